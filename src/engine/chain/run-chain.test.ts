import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ClusterWorker } from '../../cluster/cluster.js';
import type { WorkerHandle, WorkerListener } from '../../cluster/worker-handle.js';
import { KvrError } from '../../core/errors.js';
import { requestSpecSchema } from '../../core/request.js';
import type { RankTimeline } from '../../core/timeline.js';
import type { FromWorker, ToWorker } from '../../worker/protocol/index.js';
import type { ChainEvent } from './chain-events.js';
import type { ChainRequest } from './chain-request.js';
import { CANCEL_TIMEOUT_MS } from './rank-ends.js';
import { runChain } from './run-chain.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const REQUEST = 7;

/** A worker that a test speaks for. */
class FakeHandle {
  isEnded = false;
  readonly id: string;
  readonly sent: ToWorker[] = [];
  readonly payloads: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  readonly listeners = new Set<WorkerListener>();
  readonly #endListeners = new Set<(error: KvrError | undefined) => void>();

  constructor(id: string) {
    this.id = id;
  }

  send(message: ToWorker, payload?: Uint8Array<ArrayBuffer>): void {
    this.sent.push(message);
    this.payloads.push(payload);
  }

  listen(listener: WorkerListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onEnd(listener: (error: KvrError | undefined) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  say(message: FromWorker): void {
    for (const listener of [...this.listeners]) listener(message, new Uint8Array());
  }

  die(): void {
    this.isEnded = true;
    for (const listener of [...this.#endListeners]) listener(new KvrError('WORKER_DIED', 'gone'));
  }

  get types(): string[] {
    return this.sent.map(({ type }) => type);
  }
}

/** A request of two ranks that has begun to run, unless its signal is aborted. */
function twoRanks(signal = new AbortController().signal, more: Partial<ChainRequest> = {}) {
  const handles = [new FakeHandle('w0'), new FakeHandle('w1')] as const;
  const ended: number[] = [];
  const events = runChain({
    id: REQUEST,
    spec: requestSpecSchema.parse({ strategy: 'kvr', maxTokens: 1 }),
    ids: Int32Array.of(1, 2, 3, 4),
    partition: [
      { start: 0, end: 2 },
      { start: 2, end: 4 },
    ],
    workers: handles.map((handle) => ({ handle: handle as unknown as WorkerHandle }) as ClusterWorker),
    signal,
    onRankEnd: (rank) => ended.push(rank),
    ...more,
  });
  const first = events.next();
  return { handles, ended, events, first };
}

/** Has its reader leave after the first event. */
async function left() {
  const run = twoRanks();
  run.handles[1].say({ type: 'progress', request: REQUEST, phase: 'prefill', layer: 0 });
  await run.first;
  await run.events.return(undefined);
  return run;
}

const CANCELLED: FromWorker = { type: 'finished', request: REQUEST, reason: 'cancelled' };

test('a rank whose reader has left is over when its worker says so, not when it is told', async () => {
  const { handles, ended } = await left();
  expect(handles.map(({ types }) => types)).toEqual([
    ['run', 'cancel'],
    ['run', 'cancel'],
  ]);
  expect(ended).toEqual([]);
  handles[1].say({ ...CANCELLED, request: REQUEST + 1 });
  handles[1].say({ type: 'progress', request: REQUEST, phase: 'prefill', layer: 1 });
  expect(ended).toEqual([]);
  handles[1].say(CANCELLED);
  handles[1].say(CANCELLED);
  expect(ended).toEqual([1]);
  expect(handles[0].listeners.size).toBe(1);
  handles[0].say(CANCELLED);
  expect(ended).toEqual([1, 0]);
  expect(handles.map(({ listeners }) => listeners.size)).toEqual([0, 0]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a rank is over when its worker ends, and when it is silent for too long', async () => {
  const { handles, ended } = await left();
  handles[0].die();
  expect(ended).toEqual([0]);
  vi.advanceTimersByTime(CANCEL_TIMEOUT_MS - 1);
  expect(ended).toEqual([0]);
  vi.advanceTimersByTime(1);
  expect(ended).toEqual([0, 1]);
  expect(handles.map(({ listeners }) => listeners.size)).toEqual([0, 0]);
});

test('a rank that had failed holds nothing more, the others do until they say so', async () => {
  const { handles, ended, events, first } = twoRanks();
  const failed = expect(first).rejects.toMatchObject({ code: 'WORKER_REFUSED', fields: { rank: 0 } });
  handles[0].say({
    type: 'failed',
    request: REQUEST,
    code: 'WORKER_REFUSED',
    message: 'full',
    phase: 'prefill',
  });
  await failed;
  await events.next();
  expect(ended).toEqual([0]);
  expect(handles[0].types).toEqual(['run']);
  handles[1].say(CANCELLED);
  expect(ended).toEqual([0, 1]);
});

test('a request that was cancelled before it began is over at once and is sent to nobody', async () => {
  const { handles, ended, first } = twoRanks(AbortSignal.abort());
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(handles.map(({ types }) => types)).toEqual([[], []]);
  expect(ended).toEqual([0, 1]);
});

const TIMELINE: Omit<RankTimeline, 'rank'> = {
  slice: [0, 2],
  ...{ totalMs: 1, computeMs: 1, attentionMs: 0, waitMs: 0, sentBytes: 0, receivedBytes: 0 },
  events: [],
};

test('an answered request ends each rank once and leaves nothing behind', async () => {
  const { handles, ended, events, first } = twoRanks();
  handles[0].say({ type: 'prefilled', request: REQUEST, timeline: { ...TIMELINE, rank: 0 } });
  expect(ended).toEqual([0]);
  handles[1].say({ type: 'prefilled', request: REQUEST, timeline: { ...TIMELINE, rank: 1 } });
  expect(ended).toEqual([0]);
  handles[1].say({ type: 'finished', request: REQUEST, reason: 'length' });
  expect(ended).toEqual([0, 1]);
  const rest: ChainEvent[] = [];
  rest.push((await first).value as ChainEvent);
  for await (const event of events) rest.push(event);
  expect(rest.at(-1)).toEqual({ type: 'finished', reason: 'length' });
  expect(handles.map(({ types }) => types)).toEqual([['run'], ['run']]);
  expect(vi.getTimerCount()).toBe(0);
});

const prefilled = (rank: number): FromWorker => ({
  type: 'prefilled',
  request: REQUEST,
  timeline: { ...TIMELINE, rank },
});
const token = (id: number): FromWorker => ({ type: 'token', request: REQUEST, index: 0, id });

async function restOf({ events, first }: ReturnType<typeof twoRanks>): Promise<string[]> {
  const rest = [(await first).value as ChainEvent];
  for await (const event of events) rest.push(event);
  return rest.map(({ type }) => type);
}

test('the last rank gets the answer so far behind the prompt, the others do not hear of it', async () => {
  const { handles, events } = twoRanks(undefined, {
    answered: [8, 9],
    spec: requestSpecSchema.parse({ maxTokens: 5 }),
  });
  const ids = handles.map(({ payloads }) => [...new Int32Array(payloads[0]?.buffer ?? new ArrayBuffer(0))]);
  expect(ids).toEqual([
    [1, 2],
    [1, 2, 3, 4, 8, 9],
  ]);
  expect(handles.map(({ sent }) => (sent[0] as { answered?: number }).answered)).toEqual([undefined, 2]);
  void events.return(undefined);
});

test('an earlier rank that is lost after the first token is not missed: the last one has its rows', async () => {
  const run = twoRanks();
  const [w0, w1] = run.handles;
  w1.say(prefilled(1));
  w1.say(token(3));
  w0.die();
  w1.say({ type: 'finished', request: REQUEST, reason: 'length' });
  expect(await restOf(run)).toEqual(['prefilled', 'token', 'finished']);
  expect(run.ended).toEqual([0, 1]);
});

test.each([
  ['its length', {}, 3, 'length'],
  ['an end token', { maxTokens: 9, eosIds: [3] }, 3, 'stop'],
] as const)(
  'an answer that is whole by %s does not need its worker to say so',
  async (_, spec, id, reason) => {
    const run = twoRanks(undefined, { spec: requestSpecSchema.parse({ maxTokens: 1, ...spec }) });
    const [w0, w1] = run.handles;
    w1.say(prefilled(1));
    w1.say(token(id));
    w1.die();
    // The record of a rank that lives belongs to the result.
    w0.say(prefilled(0));
    w0.die();
    const rest = [(await run.first).value as ChainEvent];
    for await (const event of run.events) rest.push(event);
    expect(rest.at(-1)).toEqual({ type: 'finished', reason });
    expect(rest).toHaveLength(4);
  },
);

test('one that is not whole is lost with its last rank', async () => {
  const run = twoRanks(undefined, { answered: [5], spec: requestSpecSchema.parse({ maxTokens: 3 }) });
  const [, w1] = run.handles;
  w1.say(prefilled(1));
  w1.say(token(3));
  w1.die();
  await expect(restOf(run)).rejects.toMatchObject({
    code: 'WORKER_DIED',
    fields: { rank: 1, phase: 'decode' },
  });
});
