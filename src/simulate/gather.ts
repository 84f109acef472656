/**
 * TSP: every layer waits for a ring all-gather of K and V, as slow as its slowest link for its largest slice. Pure.
 */
import type { Masking } from '../core/strategy.js';
import { carryMs } from './noise.js';
import type { Outcome, Setup, SimulatedRank } from './setup.js';
import { computeOf, lastOf, sliceWork, tailTimes } from './setup.js';

/** All-gather of one layer: ranks−1 steps, all links at once. */
export function gatherMs(setup: Setup, layer: number): number {
  const ranks = setup.partition.length;
  if (ranks === 1) return 0;
  const largest = Math.max(...setup.partition.map((slice) => slice.end - slice.start)) * setup.times.kvBytes;
  let slowest = 0;
  for (let link = 0; link < ranks; link += 1)
    slowest = Math.max(slowest, carryMs(setup.cluster, link, layer, largest));
  return (ranks - 1) * (setup.cluster.link.latencyMs + slowest);
}

export function simulateGather(setup: Setup, masking: Masking): Outcome {
  const { layers } = setup.times;
  const works = setup.partition.map((_, rank) => sliceWork(setup, rank, masking));
  const firstMs = Math.max(...works.map((work) => lastOf(work.firstEnds)));
  const layerMs = Math.max(...works.map((work) => lastOf(work.layerEnds)));
  let gatheredMs = firstMs;
  for (let layer = 0; layer < layers; layer += 1)
    gatheredMs += gatherMs(setup, layer) + (layer > 0 ? layerMs : 0);
  const tail = tailTimes(setup, masking);
  const ranks = works.map((work, rank): SimulatedRank => {
    const isLast = rank === works.length - 1;
    const computeMs = computeOf(work, layers) + (isLast ? tail.tailMs : 0);
    const endMs = gatheredMs + (isLast ? tail.tailMs : 0);
    const attentionMs = (layers - 1) * work.attentionMs + (isLast ? tail.attentionMs : 0);
    const sentBytes = (works.length - 1) * layers * work.tokens * setup.times.kvBytes;
    return { rank, tokens: work.tokens, computeMs, attentionMs, waitMs: endMs - computeMs, endMs, sentBytes };
  });
  return { ttftMs: gatheredMs + tail.tailMs, ranks };
}
