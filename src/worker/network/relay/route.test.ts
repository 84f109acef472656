import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../../test/reference/shapes.js';
import type { LayerSpec } from '../../../core/layers/layer-spec.js';
import type { ModelShape } from '../../../core/shape.js';
import { requestSpecSchema } from '../../../core/request.js';
import type { RankTimeline, TimelineEvent } from '../../../core/timeline.js';
import { encodeHead, controlFrame, type Frame, type KvFrame, MAX_META_BYTES } from '../../../link/frame.js';
import type { Link } from '../../../link/link.js';
import { MAX_TIMELINE_EVENTS } from '../../../core/compact-events.js';
import type { StrategyName } from '../../../core/strategy.js';
import type { RunMessage } from '../../protocol/index.js';
import { Route } from './route.js';

/** A link whose sends are finished by hand. */
class HeldLink implements Link {
  readonly frames: Frame[] = [];
  readonly finish: (() => void)[] = [];
  readonly bufferedBytes = 0;
  readonly isClosed = false;
  readonly isPaused = false;
  pause = (): void => undefined;
  resume = (): void => undefined;
  close = (): void => undefined;
  send(frame: Frame, onSent: () => void = () => undefined): void {
    this.frames.push(frame);
    this.finish.push(onSent);
  }
}

const ENGINE = { worker: 'engine', link: new HeldLink() };
const LAYERS = 2;
const CHAIN = ['a', 'b', 'c', 'd'];

function run(rank: number, strategy: StrategyName = 'kvr'): RunMessage {
  const partition = [4, 3, 2, 1];
  return {
    type: 'run',
    request: 1,
    spec: requestSpecSchema.parse({ strategy, maxTokens: 1 }),
    rank,
    chain: CHAIN,
    partition,
  };
}

const SHAPE: ModelShape = { ...TINY_LLAMA, layers: LAYERS };

const rows = (layer: number, start: number, count: number): KvFrame => ({
  kind: 'kv',
  request: 1,
  layer,
  start,
  rows: count,
  payload: new Uint8Array(8 * count),
});

function middleRoute(): { route: Route; next: HeldLink } {
  const next = new HeldLink();
  return { route: new Route(run(1), ENGINE, [next], next, SHAPE), next };
}

const EMPTY: RankTimeline = {
  rank: 1,
  slice: [4, 7],
  totalMs: 1,
  computeMs: 1,
  attentionMs: 0,
  waitMs: 0,
  sentBytes: 0,
  receivedBytes: 0,
  events: [],
};

test('a rank is done sending when all rows of earlier ranks have come and left', () => {
  const { route, next } = middleRoute();
  let done = 0;
  route.receiveRows(rows(0, 0, 4));
  route.whenSent(() => done++);
  next.finish[0]?.();
  expect(done).toBe(0);
  route.receiveRows(rows(1, 0, 3));
  next.finish[1]?.();
  expect(done).toBe(0);
  route.receiveRows(rows(1, 3, 1));
  expect(done).toBe(0);
  next.finish[2]?.();
  expect(done).toBe(1);
  const { traffic, ...timeline } = route.complete(EMPTY);
  expect(timeline).toMatchObject({ sentBytes: 64, receivedBytes: 64 });
  const sum = (all: readonly number[] = []) => all.reduce((before, one) => before + one, 0);
  expect([sum(traffic?.sentBytes), sum(traffic?.receivedBytes)]).toEqual([64, 64]);
});

test('of a layer with a window the next rank gets what its first row sees, and of others everything', () => {
  const next = new HeldLink();
  const [plain] = SHAPE.specs as [LayerSpec];
  const local = { ...plain, attention: { ...plain.attention, windowTokens: 4 } };
  const shape: ModelShape = { ...SHAPE, specs: [local, plain] };
  const route = new Route(run(1), ENGINE, [next], next, shape);
  let isDone = false;
  // The rank's slice is [4, 7): its first row sees from 1 on, the next rank's from 4 on.
  route.receiveRows(rows(0, 1, 3));
  route.receiveRows(rows(1, 0, 4));
  route.whenSent(() => (isDone = true));
  next.finish.forEach((finish) => finish());
  expect(next.finish).toHaveLength(1);
  expect(isDone).toBe(true);
});

test('it is done, too, when the last rows that it waits for are none that the next rank sees', () => {
  const next = new HeldLink();
  const [plain] = SHAPE.specs as [LayerSpec];
  const local = { ...plain, attention: { ...plain.attention, windowTokens: 4 } };
  const route = new Route(run(1), ENGINE, [next], next, { ...SHAPE, specs: [local, local] });
  let done = 0;
  route.receiveRows(rows(0, 1, 3));
  route.whenSent(() => done++);
  expect(done).toBe(0);
  route.receiveRows(rows(1, 1, 3));
  expect([done, next.finish.length]).toEqual([1, 0]);
});

test('own rows that still wait for the link hold it back as well', () => {
  const first = new Route(run(0), ENGINE, [new HeldLink()], new HeldLink(), SHAPE);
  const noteSent = first.startSend(0, 80);
  let isDone = false;
  first.whenSent(() => (isDone = true));
  expect(isDone).toBe(false);
  noteSent();
  expect(isDone).toBe(true);
});

test('along a chain a rank needs its neighbours only, and the one before until its rows are there', () => {
  const { route } = middleRoute();
  expect(CHAIN.filter((worker) => route.needs(worker))).toEqual(['a', 'c']);
  for (let layer = 0; layer < LAYERS; layer++) route.receiveRows(rows(layer, 0, 4));
  expect(CHAIN.filter((worker) => route.needs(worker))).toEqual(['c']);
});

test('the last rank needs nobody once it has all rows, so that earlier ranks may go while it decodes', () => {
  for (const strategy of ['kvr', 'tsp'] as const) {
    const route = new Route(run(3, strategy), ENGINE, [], undefined, SHAPE);
    expect(route.needs('c')).toBe(true);
    for (let layer = 0; layer < LAYERS; layer++) route.receiveRows(rows(layer, 0, 9));
    expect(CHAIN.filter((worker) => route.needs(worker))).toEqual([]);
  }
});

test('an all-gather needs everyone in the chain and nobody else', () => {
  const route = new Route(run(1, 'tsp'), ENGINE, [], undefined, SHAPE);
  expect(['a', 'd', 'x'].map((worker) => route.needs(worker))).toEqual([true, true, false]);
});

test('a timeline stays small enough for a control frame however many stretches there were', () => {
  const { route } = middleRoute();
  const events: TimelineEvent[] = [];
  for (let i = 0; i < 20 * MAX_TIMELINE_EVENTS; i++) {
    events.push({
      kind: i % 2 ? 'block' : 'send',
      layer: i % 1024,
      startMs: i + 0.123_456_789,
      endMs: i + 1,
    });
  }
  const timeline = route.complete({ ...EMPTY, events });
  expect(encodeHead(controlFrame({ type: 'prefilled', timeline }), true).length).toBeLessThan(MAX_META_BYTES);
  const ofLayer = timeline.events.filter(({ layer }) => layer === 7);
  expect(ofLayer).toEqual([
    { kind: 'block', layer: 7, startMs: 7.123_456_789, endMs: 20 * MAX_TIMELINE_EVENTS - 1024 + 8 },
  ]);
  const starts = timeline.events.map(({ startMs }) => startMs);
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
});

test('a timeline that fits is handed on as it is, in order of time', () => {
  const { route } = middleRoute();
  const event = (startMs: number): TimelineEvent => ({
    kind: 'block',
    layer: 0,
    startMs,
    endMs: startMs + 1,
  });
  expect(route.complete({ ...EMPTY, events: [event(2), event(1), event(3)] }).events).toEqual([
    event(1),
    event(2),
    event(3),
  ]);
});
