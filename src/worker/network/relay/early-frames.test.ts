import { expect, test } from 'vitest';
import type { KvFrame } from '../../../link/frame.js';
import type { Link } from '../../../link/link.js';
import { MAX_HELD_BYTES, MemoryBudget } from '../door/memory-budget.js';
import { MAX_EARLY_BYTES, EarlyFrames } from './early-frames.js';

/** A link that only remembers whether it is paused. */
class PausableLink implements Link {
  readonly engine = 'engine';
  readonly link = this;
  isPaused = false;
  readonly bufferedBytes = 0;
  isClosed = false;
  send = (): void => undefined;
  close(): void {
    this.isClosed = true;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
}

const BIG_BYTES = MAX_EARLY_BYTES / 4;
const bigPayload = new Uint8Array(BIG_BYTES);
function rows(request: number, layer: number, payload = new Uint8Array(8)): KvFrame {
  return { kind: 'kv', request, layer, start: 0, rows: 1, payload };
}
const layers = (frames: readonly { frame: KvFrame }[]): number[] => frames.map(({ frame }) => frame.layer);

function fill(earlyFrames: EarlyFrames, request: number, link: PausableLink): void {
  for (let i = 0; i < 4; i++) earlyFrames.hold(rows(request, i, bigPayload), link);
}

test('gives back the rows of a request once, in order of arrival, with their links', () => {
  const earlyFrames = new EarlyFrames();
  const [a, b] = [new PausableLink(), new PausableLink()];
  earlyFrames.hold(rows(1, 0), a);
  earlyFrames.hold(rows(2, 5), a);
  earlyFrames.hold(rows(1, 1), b);
  const taken = earlyFrames.take(1);
  expect(layers(taken)).toEqual([0, 1]);
  expect(taken.map(({ from }) => from)).toEqual([a, b]);
  expect(earlyFrames.take(1)).toEqual([]);
  expect(layers(earlyFrames.take(2))).toEqual([5]);
});

test('drops rows of requests that have ended, also those that come later', () => {
  const earlyFrames = new EarlyFrames();
  const link = new PausableLink();
  earlyFrames.hold(rows(1, 0), link);
  earlyFrames.end(1);
  earlyFrames.hold(rows(1, 1), link);
  expect(earlyFrames.take(1)).toEqual([]);
});

test('pauses a link at its bound and lets it go on when its request is known', () => {
  const earlyFrames = new EarlyFrames();
  const link = new PausableLink();
  for (let i = 0; i < 3; i++) earlyFrames.hold(rows(1, i, bigPayload), link);
  expect(link.isPaused).toBe(false);
  earlyFrames.hold(rows(1, 3, bigPayload), link);
  expect(link.isPaused).toBe(true);
  expect(earlyFrames.take(1)).toHaveLength(4);
  expect(link.isPaused).toBe(false);
});

test('a peer that floods with unknown requests does not hold up another', () => {
  const earlyFrames = new EarlyFrames();
  const [flooding, honest] = [new PausableLink(), new PausableLink()];
  fill(earlyFrames, 666, flooding);
  earlyFrames.hold(rows(1, 0), honest);
  expect([flooding.isPaused, honest.isPaused]).toEqual([true, false]);
});

test('what a link brought goes with it, and only that', () => {
  const earlyFrames = new EarlyFrames();
  const [gone, other] = [new PausableLink(), new PausableLink()];
  fill(earlyFrames, 1, gone);
  earlyFrames.hold(rows(1, 9), other);
  earlyFrames.leave(gone);
  earlyFrames.leave(gone);
  expect(layers(earlyFrames.take(1))).toEqual([9]);
});

test('frames without rows are bounded too', () => {
  const earlyFrames = new EarlyFrames();
  const link = new PausableLink();
  let held = 0;
  while (!link.isPaused && held < 1e6) earlyFrames.hold(rows(held++, 0, new Uint8Array(0)), link);
  expect(link.isPaused).toBe(true);
});

test('links that flood a worker together are closed before it holds more than it has for all', () => {
  const budget = new MemoryBudget();
  const earlyFrames = new EarlyFrames(budget);
  const links = Array.from({ length: 8 }, () => new PausableLink());
  for (const link of links) fill(earlyFrames, 1, link);
  expect(budget.heldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES);
  expect(links.filter(({ isClosed }) => isClosed).length).toBeGreaterThanOrEqual(6);
});
