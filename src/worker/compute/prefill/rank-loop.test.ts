import { expect, test } from 'vitest';
import type { CacheRows } from '../../../runtime/backend/rows.js';
import { jobOf } from '../compute-parts.test-support.js';
import { FakeCache, fakeRow, FakeModel } from '../fake-model.test-support.js';
import type { ActiveRequest, Reuse } from '../requests/active-request.js';
import { openRequest } from '../requests/held-requests.js';
import type { Exchange } from './exchange.js';
import type { PrefillContext, PromptEnd } from './prompt-run.js';
import { runPrompt } from './rank-loop.js';
import type { Pause } from './turns.js';

/** Records what is published, in the order of the model's calls, and is ready when the test says so. */
class FakeExchange implements Exchange {
  readonly #model: FakeModel;
  canPublishNow = true;
  readonly prefixes = new Set<number>([0, 1, 2]);

  constructor(model: FakeModel) {
    this.#model = model;
  }

  async publish(layer: number, start: number, rows: CacheRows): Promise<void> {
    this.#model.calls.push(`publish ${layer} of [${start},${start + rows.count})`);
  }

  firstNeeded(): number {
    return 0;
  }

  canPublish(): boolean {
    return this.canPublishNow;
  }

  hasFirstRows(): boolean {
    return true;
  }

  hasPrefix(layer: number): boolean {
    return this.prefixes.has(layer);
  }
}

type Loop = {
  readonly model: FakeModel;
  readonly exchange: FakeExchange;
  readonly request: ActiveRequest;
  readonly progress: number[];
  readonly run: AsyncGenerator<Pause, PromptEnd, void>;
};

type LoopOptions = { readonly job?: Parameters<typeof jobOf>[0]; readonly bench?: Partial<PrefillContext> };

async function loopOf(
  { job, bench }: LoopOptions,
  reuse?: (model: FakeModel) => Promise<Reuse>,
): Promise<Loop> {
  const model = new FakeModel();
  const exchange = new FakeExchange(model);
  const request = await openRequest(jobOf(job), model, reuse && (await reuse(model)));
  const progress: number[] = [];
  const context: PrefillContext = {
    model,
    clock: () => 0,
    chunkTokens: 100,
    reportProgress: (_, layer) => progress.push(layer),
    reportScores: () => undefined,
    rowsAtOnce: () => 100,
    noteCall: () => undefined,
    ...bench,
  };
  return { model, exchange, request, progress, run: runPrompt(context, request, exchange) };
}

/** Goes on through every pause, each of which must be over. */
async function finish({ run, model }: Loop): Promise<PromptEnd> {
  for (;;) {
    const { value, done } = await run.next();
    if (done) return value;
    expect(value.isReady()).toBe(true);
    if (value.isWait) model.calls.push(`wait for ${value.layer}`);
  }
}

/** Rows that nobody has given back. */
const heldRows = ({ live }: FakeModel): object[] => [...live].filter((each) => !(each instanceof FakeCache));

test('the last rank waits, attends, runs a block and publishes, layer by layer, and ends with the logits of its last row', async () => {
  const loop = await loopOf({ job: { partition: [2, 3] } });
  const { logits } = await finish(loop);
  expect(loop.model.calls).toEqual([
    'embed 2 3 4 at [2,5)',
    'block 0 of [2,5)',
    'publish 0 of [2,5)',
    'wait for 0',
    'slice 0 of [2,5)',
    'block 1 of [2,5)',
    'publish 1 of [2,5)',
    'wait for 1',
    'slice 1 of [2,5)',
    'block 2 of [2,5)',
    'publish 2 of [2,5)',
    'wait for 2',
    'row over 5 2 of [4,5)',
    'logits of [4,5)',
  ]);
  expect(logits?.indexOf(1)).toBe(4);
  expect(loop.progress).toEqual([0, 1, 2]);
  for (let layer = 0; layer < 3; layer++)
    expect((loop.request.cache as FakeCache).written(layer)).toEqual([2, 3, 4]);
  expect(heldRows(loop.model)).toEqual([]);
});

test('an earlier rank stops after the keys and values of the last layer', async () => {
  const loop = await loopOf({ job: { partition: [2, 3], rank: 0 } });
  expect(await finish(loop)).toEqual({});
  expect(loop.model.calls.at(-1)).toBe('publish 2 of [0,2)');
  expect(loop.model.calls).not.toContain('wait for 2');
  expect(heldRows(loop.model)).toEqual([]);
});

test('where the last token is the embedding, the last rank ends with its row after the final norm, without a head', async () => {
  const loop = await loopOf({ job: { partition: [2, 3], spec: { pooling: 'last' } } });
  const { pooled, logits } = await finish(loop);
  expect(loop.model.calls.slice(-2)).toEqual(['row over 5 2 of [4,5)', 'normed of [4,5)']);
  expect([pooled?.tokens, ...new Set(pooled?.sums)]).toEqual([1, 4]);
  expect(logits).toBeUndefined();
  expect(heldRows(loop.model)).toEqual([]);
});

test('where the mean is the embedding, each rank takes all its rows through the last layer, in parts, and adds them up', async () => {
  const sums = { 0: 0 + 1 + 2, 1: 3 + 4 + 5 + 6 };
  for (const rank of [0, 1] as const) {
    const job = { partition: [3, 4], rank, spec: { pooling: 'mean' as const } };
    const loop = await loopOf({ job, bench: { chunkTokens: 3, rowsAtOnce: () => 2 } });
    const { pooled } = await finish(loop);
    expect([pooled?.tokens, ...new Set(pooled?.sums)]).toEqual([3 + rank, sums[rank]]);
    const last = loop.model.calls.slice(loop.model.calls.lastIndexOf('wait for 2') + 1);
    const parts = rank === 0 ? ['[0,2)', '[2,3)'] : ['[3,5)', '[5,7)'];
    expect(last).toEqual(parts.flatMap((part) => [`slice 2 of ${part}`, `normed of ${part}`]));
    expect(heldRows(loop.model)).toEqual([]);
  }
});

test('a layer does not begin before its prefix is there, and no chunk before there is room to publish', async () => {
  const loop = await loopOf({ job: { partition: [2, 3] } });
  loop.exchange.prefixes.clear();
  loop.exchange.canPublishNow = false;
  const room = (await loop.run.next()).value as Pause;
  expect([room.isWait, room.isReady()]).toEqual([false, false]);
  loop.exchange.canPublishNow = true;
  expect(room.isReady()).toBe(true);
  const wait = (await loop.run.next()).value as Pause;
  expect([wait.layer, wait.isWait, wait.isReady()]).toEqual([0, true, false]);
  expect(loop.model.calls.at(-1)).toBe('publish 0 of [2,5)');
  loop.exchange.prefixes.add(0);
  expect(wait.isReady()).toBe(true);
});

test('chunks go through a layer one after another', async () => {
  const loop = await loopOf({ bench: { chunkTokens: 2 } });
  await finish(loop);
  expect(loop.model.calls.slice(0, 10)).toEqual([
    'embed 0 1 at [0,2)',
    'embed 2 3 at [2,4)',
    'block 0 of [0,2)',
    'publish 0 of [0,2)',
    'block 0 of [2,4)',
    'publish 0 of [2,4)',
    'wait for 0',
    'slice 0 of [0,2)',
    'block 1 of [0,2)',
    'publish 1 of [0,2)',
  ]);
  expect(heldRows(loop.model)).toEqual([]);
});

test('while sequences decode a chunk goes in parts, which are joined for the next layer', async () => {
  const sizes = [3, 1];
  const loop = await loopOf({ bench: { rowsAtOnce: () => sizes.shift() ?? 100 } });
  await finish(loop);
  expect(loop.model.calls.slice(1, 8)).toEqual([
    'block 0 of [0,3)',
    'publish 0 of [0,3)',
    'block 0 of [3,4)',
    'publish 0 of [3,4)',
    'join [0,4)',
    'wait for 0',
    'slice 0 of [0,4)',
  ]);
  expect(heldRows(loop.model)).toEqual([]);
});

test('parts of the last layer are not joined: the last part has the row that counts', async () => {
  const loop = await loopOf({ bench: { rowsAtOnce: () => 3 } });
  await finish(loop);
  expect(loop.model.calls.slice(-8)).toEqual(
    [
      'slice 1 of [0,3)',
      'block 2 of [0,3)',
      'publish 2 of [0,3)',
      'slice 1 of [3,4)',
      'block 2 of [3,4)',
      'publish 2 of [3,4)',
      'wait for 2',
      'row over 4 2 of [3,4)',
      'logits of [3,4)',
    ].slice(-8),
  );
  expect(heldRows(loop.model)).toEqual([]);
});

test('rows that a cache takes late are left to attention, and of the last layer wait for the prefix', async () => {
  const loop = await loopOf({ job: { partition: [2, 3] }, bench: { rowsAtOnce: () => 2 } });
  const cache = loop.request.cache as FakeCache;
  for (const layer of [0, 2]) cache.late.add(layer);
  loop.exchange.prefixes.delete(2);
  for (let isWaiting = false; !isWaiting;) {
    const { value } = await loop.run.next();
    isWaiting = (value as Pause).isWait && !(value as Pause).isReady();
  }
  expect([0, 1, 2].map((layer) => cache.written(layer))).toEqual([[], [2, 3, 4], []]);
  loop.exchange.prefixes.add(2);
  await finish(loop);
  expect([0, 1, 2].map((layer) => cache.written(layer))).toEqual([[], [2, 3, 4], [2, 3, 4]]);
  expect(heldRows(loop.model)).toEqual([]);
});

test('nobody reads rows of the last layer on an earlier rank, so late ones are not kept', async () => {
  const loop = await loopOf({ job: { partition: [2, 3], rank: 0 } });
  const cache = loop.request.cache as FakeCache;
  cache.late.add(2);
  await finish(loop);
  expect(cache.written(2)).toEqual([]);
  expect(heldRows(loop.model)).toEqual([]);
});

test('kernels are timed by the rows of each call', async () => {
  let nowMs = 0;
  const noted: unknown[] = [];
  const loop = await loopOf({
    bench: { clock: () => nowMs, noteCall: (...note) => noted.push(note), rowsAtOnce: () => 3 },
  });
  loop.model.onCall = () => void (nowMs += 5);
  await finish(loop);
  expect(noted.slice(0, 4)).toEqual([
    ['block', 3, 5],
    ['block', 1, 5],
    ['attention', 3, 5],
    ['block', 3, 5],
  ]);
});

test('the baseline attends over the whole context', async () => {
  const loop = await loopOf({ job: { partition: [2, 3], spec: { strategy: 'tsp-dense' } } });
  await finish(loop);
  expect(loop.model.calls).toContain('dense over 5 1 of [2,5)');
});

test('kept rows are published in every layer and not computed', async () => {
  const kept = async (model: FakeModel): Promise<Reuse> => {
    const cache = await model.createCache(3, 'f32');
    for (let layer = 0; layer < 3; layer++)
      for (let row = 0; row < 3; row++)
        await cache.writePacked(layer, row, fakeRow(model.shape, 'f32', layer, row));
    return { cache, tokens: 3 };
  };
  const loop = await loopOf({ job: { partition: [5, 2], rank: 0 } }, kept);
  await finish(loop);
  expect(loop.model.calls.slice(0, 5)).toEqual([
    'embed 3 4 at [3,5)',
    'publish 0 of [0,3)',
    'block 0 of [3,5)',
    'publish 0 of [3,5)',
    'wait for 0',
  ]);
  expect((loop.request.cache as FakeCache).written(2)).toEqual([0, 1, 2, 3, 4]);
  expect(heldRows(loop.model)).toEqual([]);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'given up after %i pauses it has given all rows back',
  async (pauses) => {
    const loop = await loopOf({ bench: { rowsAtOnce: () => 3 } });
    for (let pause = 0; pause < pauses; pause++) await loop.run.next();
    await loop.run.return({});
    const { length } = loop.model.calls;
    expect((await loop.run.next()).done).toBe(true);
    expect(loop.model.calls).toHaveLength(length);
    expect(heldRows(loop.model)).toEqual([]);
  },
);

test('where a prompt is to tell of its tokens, each rank tells what its rows think of those behind them, and the last goes on', async () => {
  // The likeliest after a row is the token of the row's number.
  const told: Record<number, number[][]> = {};
  for (const rank of [0, 1] as const) {
    const rows: number[][] = (told[rank] = []);
    const ids = rank === 0 ? [9, 0, 2, 2] : [9, 0, 2, 2, 1, 4, 5];
    const job = { partition: [3, 4], rank, ids: Int32Array.from(ids), spec: { promptLogprobs: 1 } };
    const reportScores: PrefillContext['reportScores'] = (_, { start, top, scores }) => {
      for (let row = 0; row * (1 + 2 * top) < scores.length; row++)
        rows.push([start + row, ...scores.subarray(row * (1 + 2 * top), (row + 1) * (1 + 2 * top))]);
    };
    const loop = await loopOf({ job, bench: { chunkTokens: 3, rowsAtOnce: () => 2, reportScores } });
    const { logits } = await finish(loop);
    expect(logits?.indexOf(1)).toBe(rank === 0 ? undefined : 6);
    expect(heldRows(loop.model)).toEqual([]);
  }
  const { vocabulary } = new FakeModel().shape;
  const likely = 1 - Math.log(Math.E + vocabulary - 1);
  const close = (value: number): unknown => expect.closeTo(value, 5);
  const row = (at: number, isLikely: boolean): unknown[] => [
    at,
    close(likely - (isLikely ? 0 : 1)),
    at,
    close(likely),
  ];
  expect(told[0]).toEqual([row(0, true), row(1, false), row(2, true)]);
  expect(told[1]).toEqual([row(3, false), row(4, true), row(5, true)]);
});

test.each([0, 3, 9, 12, 13, 15])(
  'telling of tokens given up after %i pauses has given all rows back',
  async (pauses) => {
    const loop = await loopOf({ job: { spec: { promptLogprobs: 0 } }, bench: { rowsAtOnce: () => 3 } });
    for (let pause = 0; pause < pauses; pause++) await loop.run.next();
    await loop.run.return({});
    expect(heldRows(loop.model)).toEqual([]);
  },
);

test.each([0, 3, 9, 12, 13])('pooling given up after %i pauses has given all rows back', async (pauses) => {
  const loop = await loopOf({ job: { spec: { pooling: 'mean' } }, bench: { rowsAtOnce: () => 3 } });
  for (let pause = 0; pause < pauses; pause++) await loop.run.next();
  await loop.run.return({});
  expect(heldRows(loop.model)).toEqual([]);
});

test.each(['block 1 of [0,4)', 'slice 0 of [0,4)', 'row over 4 2 of [3,4)', 'logits of [3,4)'])(
  'where "%s" fails, all rows go back with the error',
  async (failing) => {
    const loop = await loopOf({});
    loop.model.onCall = (call) => {
      if (call === failing) throw new Error('the device is lost');
    };
    await expect(finish(loop)).rejects.toThrow('the device is lost');
    expect(heldRows(loop.model)).toEqual([]);
  },
);
