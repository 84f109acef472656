import { expect, test } from 'vitest';
import { evenPartition, type Partition, partitionFromSizes } from '../../core/partition.js';
import {
  attentionMs,
  blockMs,
  type ChainCosts,
  FREE_LINK,
  type LinkCost,
  predict,
  predictTtftMs,
  transferMs,
  type WorkerCost,
} from '../../plan/index.js';
import { randomCosts, seededRandom } from '../../plan/costs/random-costs.test-support.js';
import { runTasks, type Task } from '../../simulate/event-queue.js';
import { chunksOf } from '../../core/chunks/chunks.js';
import type { RunTimes } from './chunk-times.js';
import { emulateChain, emulateGather, type EmulatedChain } from './emulate.js';

/** The same rows against all keys of the context, masked afterwards. */
function denseAttentionMs(worker: WorkerCost, rows: number, contextTokens: number): number {
  const { fixedMs, tokenMs, prefixTokenMs, pairMs } = worker.attention;
  const rowsMs = fixedMs + tokenMs * rows + prefixTokenMs * contextTokens;
  return worker.attentionScale * (rowsMs + pairMs * rows * contextTokens);
}

/** What equal workers of these costs would measure. */
function syntheticTimes(costs: ChainCosts, partition: Partition, masking: 'causal' | 'dense'): RunTimes {
  const worker = costs.workers[0] as ChainCosts['workers'][number];
  const { layers, contextTokens } = costs;
  const chunks = partition.flatMap((slice) => chunksOf(slice, worker.chunkTokens, []));
  const times = chunks.map(({ start, end }) => {
    const rows = end - start;
    const attention =
      masking === 'dense' ? denseAttentionMs(worker, rows, contextTokens) : attentionMs(worker, rows, start);
    const block = blockMs(worker, rows);
    return {
      start,
      end,
      embedMs: worker.scale * worker.embedTokenMs * rows,
      blockMs: Array.from({ length: layers }, (_, layer) =>
        layer === 0 ? worker.firstBlockShare * block : block,
      ),
      cacheMs: new Array<number>(layers).fill(0),
      attentionMs: new Array<number>(layers - 1).fill(attention),
    };
  });
  const rest = (1 - worker.firstBlockShare) * blockMs(worker, 1);
  const tailAttentionMs = attentionMs(worker, 1, contextTokens - 1);
  return { layers, chunks: times, tailAttentionMs, headMs: rest + worker.headMs };
}

function chainOf(
  costs: ChainCosts,
  partition: Partition,
  masking: 'causal' | 'dense' = 'causal',
): EmulatedChain {
  const { links, kvBytes } = costs;
  return { times: syntheticTimes(costs, partition, masking), partition, links, kvBytes };
}

/** Equal workers without the fixed cost of a call, which is no kernel's. */
function equalCosts(random: () => number, ranks: number, chunkTokens: number, link?: LinkCost): ChainCosts {
  const some = randomCosts(random, { ranks, contextTokens: 60, chunkTokens, equal: true });
  const workers = some.workers.map((worker) => ({ ...worker, callMs: 0 }));
  return { ...some, workers, links: link ? some.links.map(() => link) : some.links };
}

function randomCut(random: () => number, ranks: number, contextTokens: number): Partition {
  const inner = new Set<number>();
  while (inner.size < ranks - 1) inner.add(1 + Math.floor((contextTokens - 1) * random()));
  const ends = [...inner, contextTokens].sort((a, b) => a - b);
  return partitionFromSizes(
    ends.map((end, index) => end - (ends[index - 1] ?? 0)),
    contextTokens,
  );
}

test('on free links a chain takes what the plan predicts, whatever the partition and the chunks', () => {
  const random = seededRandom(1);
  for (let round = 0; round < 200; round++) {
    const ranks = 1 + Math.floor(6 * random());
    const costs = equalCosts(random, ranks, [5, 8, 64][round % 3] as number, FREE_LINK);
    const partition = randomCut(random, ranks, 60);
    const emulated = emulateChain(chainOf(costs, partition));
    const predicted = predict(costs, partition);
    expect(emulated.ttftMs).toBeCloseTo(predicted.ttftMs, 6);
    predicted.ranks.forEach((rank, index) => {
      expect(emulated.timeline[index]?.computeMs).toBeCloseTo(rank.computeMs, 6);
      expect(emulated.timeline[index]?.attentionMs).toBeCloseTo(rank.attentionMs, 6);
      expect(emulated.timeline[index]?.waitMs).toBeCloseTo(rank.waitMs, 6);
    });
  }
});

test('with one frame a slice, two ranks on any link take what the plan predicts', () => {
  const random = seededRandom(2);
  for (let round = 0; round < 200; round++) {
    const link = { latencyMs: 2 * random(), bytesPerS: 10 ** (5 + 4 * random()), frameBytes: 1 << 30 };
    const costs = equalCosts(random, 2, 64, link);
    const partition = randomCut(random, 2, 60);
    expect(emulateChain(chainOf(costs, partition)).ttftMs).toBeCloseTo(predictTtftMs(costs, partition), 6);
  }
});

test('longer chains on slow links stay near the plan, which lets links take layers in order and evenly', () => {
  const random = seededRandom(3);
  const errors: number[] = [];
  for (let round = 0; round < 300; round++) {
    const ranks = 3 + Math.floor(5 * random());
    const link = { latencyMs: random(), bytesPerS: 10 ** (5 + 4 * random()), frameBytes: 4096 };
    const costs = equalCosts(random, ranks, [4, 8, 64][round % 3] as number, link);
    const partition = evenPartition(60, ranks);
    errors.push(
      Math.abs(emulateChain(chainOf(costs, partition)).ttftMs / predictTtftMs(costs, partition) - 1),
    );
  }
  errors.sort((a, b) => a - b);
  expect(errors[150]).toBeLessThan(0.01);
  expect(errors[270]).toBeLessThan(0.05);
});

/** The same chain, task by task through an event queue; resource i is rank i, ranks + i its link. */
function ttftMsByEvents({ times, partition, links, kvBytes }: EmulatedChain): number {
  type Sent = { readonly task: number; readonly layer: number; readonly bytes: number };
  const tasks: Task[] = [];
  const add = (resource: number | undefined, durationMs: number, after: number[]): number =>
    tasks.push({ resource, durationMs, after }) - 1;
  let incoming: Sent[] = [];
  partition.forEach((slice, rank) => {
    const own: Sent[] = [];
    const chunks = times.chunks.filter(({ start }) => start >= slice.start && start < slice.end);
    const link = links[rank];
    let before: number[] = [];
    for (const { embedMs } of chunks) before = [add(rank, embedMs, before)];
    const prefixOf = (layer: number): number[] =>
      incoming.filter((sent) => sent.layer === layer).map(({ task }) => task);
    for (let layer = 0; layer < times.layers; layer++) {
      if (layer > 0) before = [...before, ...prefixOf(layer - 1)];
      for (const chunk of chunks) {
        if (layer > 0) before = [add(rank, chunk.attentionMs[layer - 1] as number, before)];
        before = [add(rank, chunk.blockMs[layer] as number, before)];
        for (let row = chunk.start; link && row < chunk.end;) {
          const rows = Math.min(Math.max(1, Math.floor(link.frameBytes / kvBytes)), chunk.end - row);
          own.push({ task: before[0] as number, layer, bytes: rows * kvBytes });
          row += rows;
        }
      }
    }
    if (rank === partition.length - 1)
      return add(rank, times.tailAttentionMs + times.headMs, [...before, ...prefixOf(times.layers - 1)]);
    incoming = [...own, ...incoming].map((sent) => {
      const carried = add(partition.length + rank, transferMs(link as LinkCost, sent.bytes), [sent.task]);
      return { ...sent, task: add(undefined, (link as LinkCost).latencyMs, [carried]) };
    });
  });
  return runTasks(tasks).at(-1) as number;
}

test('an event queue that knows every frame gives the same time', () => {
  const random = seededRandom(9);
  for (let round = 0; round < 100; round++) {
    const ranks = 2 + Math.floor(4 * random());
    const link = { latencyMs: random(), bytesPerS: 10 ** (5 + 4 * random()), frameBytes: 4096 };
    const chain = chainOf(
      equalCosts(random, ranks, [4, 8, 64][round % 3] as number, link),
      randomCut(random, ranks, 60),
    );
    // Unequal chunks, as measured ones are.
    const chunks = chain.times.chunks.map((chunk) => ({
      ...chunk,
      blockMs: chunk.blockMs.map((ms) => ms * (0.5 + random())),
    }));
    const uneven = { ...chain, times: { ...chain.times, chunks } };
    expect(emulateChain(uneven).ttftMs).toBeCloseTo(ttftMsByEvents(uneven), 6);
  }
});

test.each([
  ['tsp', 'causal'],
  ['tsp-dense', 'dense'],
] as const)('%s takes what the plan predicts, rank by rank', (strategy, masking) => {
  const random = seededRandom(4);
  for (let round = 0; round < 200; round++) {
    const ranks = 1 + Math.floor(6 * random());
    const costs = equalCosts(random, ranks, [5, 8, 64][round % 3] as number);
    const partition = randomCut(random, ranks, 60);
    const emulated = emulateGather(chainOf(costs, partition, masking));
    const predicted = predict(costs, partition, strategy);
    expect(emulated.ttftMs).toBeCloseTo(predicted.ttftMs, 6);
    predicted.ranks.forEach((rank, index) =>
      expect(emulated.timeline[index]?.totalMs).toBeCloseTo(rank.endMs, 6),
    );
  }
});

test('every strategy is one worker alone where there is one slice', () => {
  const costs = equalCosts(seededRandom(5), 1, 8);
  const alone = chainOf(costs, evenPartition(60, 1));
  expect(emulateGather(alone).ttftMs).toBeCloseTo(emulateChain(alone).ttftMs, 9);
  expect(emulateChain(alone).timeline[0]?.sentBytes).toBe(0);
});

test('a chain sends each row over every link once, half of what the all-gather does', () => {
  const costs = equalCosts(seededRandom(6), 4, 8);
  const chain = chainOf(costs, evenPartition(60, 4));
  const perToken = costs.kvBytes * costs.layers;
  const sent = (timeline: readonly { sentBytes: number }[]): number =>
    timeline.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  expect(sent(emulateChain(chain).timeline)).toBe((15 + 30 + 45) * perToken);
  expect(sent(emulateGather(chain).timeline)).toBe(3 * 60 * perToken);
});

test("a rank's time is its compute, its cache and its waits, and no event overlaps another of them", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 10; round++) {
    const costs = equalCosts(random, 4, 8);
    const chain = chainOf(costs, randomCut(random, 4, 60));
    for (const { timeline } of [emulateChain(chain), emulateGather(chain)]) {
      for (const { events, computeMs, waitMs, totalMs } of timeline) {
        expect(computeMs + waitMs).toBeCloseTo(totalMs, 6);
        const own = events.filter(({ kind }) => kind !== 'send');
        own.forEach(({ endMs }, index) =>
          expect(own[index + 1]?.startMs ?? Infinity).toBeGreaterThanOrEqual(endMs - 1e-9),
        );
      }
    }
  }
});

test('slices that chunks cross are refused', () => {
  const costs = equalCosts(seededRandom(8), 2, 64);
  const chain = chainOf(costs, evenPartition(60, 2));
  expect(() => emulateChain({ ...chain, partition: partitionFromSizes([29, 31], 60) })).toThrow(
    /does not end where/,
  );
});
