/**
 * What every strategy's recurrence starts from, and what it hands back. Pure types and small sums.
 */
import { chunkSizes } from '../core/chunks/chunk-lengths.js';
import type { Partition } from '../core/partition.js';
import type { Masking } from '../core/strategy.js';
import { sliceTokens } from '../core/partition.js';
import type { ClusterProfile, Policy } from './cluster.js';
import type { DeviceTimes } from './device-times.js';
import { sliceScores } from './device-times.js';

/** A simulation with everything decided. */
export type Setup = {
  readonly times: DeviceTimes;
  readonly cluster: ClusterProfile;
  readonly policy: Policy;
  readonly contextTokens: number;
  /** One slice a rank. */
  readonly partition: Partition;
};

/** One rank's totals. */
export type SimulatedRank = {
  readonly rank: number;
  readonly tokens: number;
  readonly computeMs: number;
  /** The part of computeMs that is attention. */
  readonly attentionMs: number;
  readonly waitMs: number;
  readonly endMs: number;
  readonly sentBytes: number;
};

export type Outcome = { readonly ttftMs: number; readonly ranks: readonly SimulatedRank[] };

/** One rank's work a layer; chunks publish in order. */
export type SliceWork = {
  readonly tokens: number;
  readonly prefixTokens: number;
  /** Ends of the chunks within the first block, from its start; ms. */
  readonly firstEnds: readonly number[];
  /** Ends of the chunks within attention and next block of one layer, from their start; ms. */
  readonly layerEnds: readonly number[];
  readonly chunkBytes: readonly number[];
  readonly attentionMs: number;
};

/** The last rank after the last layer's prefix is in: the last layer (for one row where pruned) and the head. */
export type TailTimes = { readonly tailMs: number; readonly attentionMs: number };

export function sliceWork(setup: Setup, rank: number, masking: Masking): SliceWork {
  const slice = setup.partition[rank] ?? { start: 0, end: 0 };
  const sizes = chunkSizes(sliceTokens(slice), setup.policy.chunkTokens);
  const attention = attentionOfChunks(setup, slice.start, sizes, masking);
  const blocks = sizes.map((size) => setup.times.blockMs(size));
  return {
    tokens: sliceTokens(slice),
    prefixTokens: slice.start,
    firstEnds: runningSums(sizes.map((size) => setup.times.firstBlockMs(size))),
    layerEnds: runningSums(blocks.map((ms, chunk) => ms + (attention[chunk] ?? 0))),
    chunkBytes: sizes.map((size) => size * setup.times.kvBytes),
    attentionMs: attention.reduce((sum, ms) => sum + ms, 0),
  };
}

export function tailTimes(setup: Setup, masking: Masking): TailTimes {
  const { times, policy, contextTokens, partition } = setup;
  const last = partition[partition.length - 1] ?? { start: 0, end: 0 };
  const tokens = policy.prunesLastLayer ? 1 : sliceTokens(last);
  const scores = policy.prunesLastLayer
    ? contextTokens
    : masking === 'dense'
      ? tokens * contextTokens
      : sliceScores(tokens, last.start, policy);
  const attentionMs = times.attentionMs(scores);
  return { tailMs: attentionMs + times.restBlockMs(tokens) + times.headMs, attentionMs };
}

/** Compute of a rank that is known to end with its last K,V, the tail left out. */
export function computeOf(work: SliceWork, layers: number): number {
  return lastOf(work.firstEnds) + (layers - 1) * lastOf(work.layerEnds);
}

export function lastOf(values: readonly number[]): number {
  return values[values.length - 1] ?? 0;
}

/** Attention of each chunk; the first one with the copy that a store-and-forward rank makes of what it received. */
function attentionOfChunks(
  setup: Setup,
  start: number,
  sizes: readonly number[],
  masking: Masking,
): number[] {
  const { times, policy, contextTokens } = setup;
  const received = masking === 'dense' ? contextTokens : start;
  const copyMs = policy.relay === 'store-and-forward' ? times.copyMs(received) : 0;
  let prefix = start;
  return sizes.map((size, chunk) => {
    const scores = masking === 'dense' ? size * contextTokens : sliceScores(size, prefix, policy);
    prefix += size;
    return times.attentionMs(scores) + (chunk === 0 ? copyMs : 0);
  });
}

function runningSums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value));
}
