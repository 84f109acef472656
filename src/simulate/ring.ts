/**
 * Ring attention: the slices' K,V travel round while every rank attends to those it holds, plain or zigzag. Pure.
 * Source of the schedules: Liu et al. 2023 (plain); zigzag gives rank i the pieces i and 2p−1−i of 2p, so that every
 * step is as much work for every rank. A step ends when its compute, its send and its receive have.
 *   start(i, s+1) = max(start(i,s) + compute(i,s), start(i,s) + send, start(i−1,s) + send of rank i−1)
 */
import { carryMs } from './noise.js';
import type { Outcome, Setup, SimulatedRank } from './setup.js';
import { sliceScores } from './device-times.js';

export type RingKind = 'plain' | 'zigzag';

export function simulateRing(setup: Setup, kind: RingKind): Outcome {
  const ranks = setup.partition.length;
  const { layers } = setup.times;
  const tokens = setup.contextTokens / ranks;
  const steps = stepTimes(setup, kind, tokens);
  let ready: Float64Array = new Float64Array(ranks).fill(setup.times.firstBlockMs(tokens));
  for (let layer = 0; layer < layers; layer += 1) {
    ready = ringLayer(setup, steps, layer, ready, tokens);
    const blockMs = layer === layers - 1 ? setup.times.restBlockMs(tokens) : setup.times.blockMs(tokens);
    for (let rank = 0; rank < ranks; rank += 1) ready[rank] = (ready[rank] as number) + blockMs;
  }
  // The final token is on the last rank of a plain ring, and on the first of a zigzag one.
  const final = kind === 'plain' ? ranks - 1 : 0;
  const ttftMs = (ready[final] as number) + setup.times.headMs;
  return { ttftMs, ranks: outcomes(setup, steps, tokens, ready) };
}

/** Compute of each rank in each step: [ranks][steps], ms. In step s rank i holds the K,V of rank i−s. */
export function stepTimes(setup: Setup, kind: RingKind, tokens: number): Float64Array[] {
  const ranks = setup.partition.length;
  const own = setup.times.attentionMs(sliceScores(tokens, 0, setup.policy));
  const whole = setup.times.attentionMs(tokens * tokens);
  // Two of four pieces' pairs in every step; in the first one two of them are the pieces' own squares.
  const piece = tokens / 2;
  const ownPieces = setup.times.attentionMs(piece * piece + 2 * sliceScores(piece, 0, setup.policy));
  return Array.from({ length: ranks }, (_, rank) =>
    Float64Array.from({ length: ranks }, (__, step) => {
      if (kind === 'zigzag') return step === 0 ? ownPieces : whole / 2;
      return step === 0 ? own : step <= rank ? whole : 0;
    }),
  );
}

function ringLayer(
  setup: Setup,
  steps: readonly Float64Array[],
  layer: number,
  from: Float64Array,
  tokens: number,
) {
  const ranks = from.length;
  const { latencyMs } = setup.cluster.link;
  const bytes = tokens * setup.times.kvBytes;
  const sends = Float64Array.from(
    { length: ranks },
    (_, link) => carryMs(setup.cluster, link, layer, bytes) + latencyMs,
  );
  let starts = from;
  for (let step = 0; step < ranks; step += 1) {
    const next = new Float64Array(ranks);
    const isLast = step === ranks - 1;
    for (let rank = 0; rank < ranks; rank += 1) {
      const computed = (starts[rank] as number) + ((steps[rank] as Float64Array)[step] as number);
      const before = (rank + ranks - 1) % ranks;
      const moved = isLast
        ? 0
        : Math.max(
            (starts[rank] as number) + (sends[rank] as number),
            (starts[before] as number) + (sends[before] as number),
          );
      next[rank] = Math.max(computed, moved);
    }
    starts = next;
  }
  return starts;
}

function outcomes(
  setup: Setup,
  steps: readonly Float64Array[],
  tokens: number,
  ready: Float64Array,
): SimulatedRank[] {
  const { layers, kvBytes } = setup.times;
  const blocksMs =
    setup.times.firstBlockMs(tokens) +
    (layers - 1) * setup.times.blockMs(tokens) +
    setup.times.restBlockMs(tokens);
  return steps.map((row, rank) => {
    const attentionMs = layers * row.reduce((sum, ms) => sum + ms, 0);
    const computeMs = blocksMs + attentionMs;
    const endMs = ready[rank] as number;
    const sentBytes = layers * (steps.length - 1) * tokens * kvBytes;
    return { rank, tokens, computeMs, attentionMs, waitMs: endMs - computeMs, endMs, sentBytes };
  });
}
