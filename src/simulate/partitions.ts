/**
 * Partitions for a simulated chain: even, searched, looked up and exact, as plan/ finds them, with simulated times as the
 * objective where that is affordable. Pure.
 */
import { evenPartition } from '../core/partition.js';
import type { Partition } from '../core/partition.js';
import {
  addTableEntry,
  emptyTable,
  exactPartition,
  lookUpPartition,
  predictTtftMs,
  searchPartitionSync,
  searchSteps,
} from '../plan/index.js';
import type { ChainCosts, SearchResult, WorkerCost } from '../plan/index.js';
import { piecesOf, simulateChain } from './chain.js';
import type { Setup } from './setup.js';

/** KVR-E, KVR-S, KVR-P and our exact balance. */
export type PartitionKind = 'e' | 's' | 'p' | 'exact';

/** Frames simulated in one search, at most: about a second. It is ample for the paper's sizes. */
const SEARCH_FRAMES = 20_000_000;
/** A search from the even partition takes up to so many candidates; with less than that simulated times only refine. */
const AMPLE_EVALUATIONS = 10_000;
/** Candidates times ranks of a search on plan/'s costs, at most: about a second. */
const COST_SEARCH_RANKS = 150_000;

/** Lengths of a lookup table: so many evenly spaced ones from each power of two to the next. */
const TABLE_LENGTHS_PER_DOUBLING = 4;

/** @param setup with any partition; its number of slices is the number of ranks */
export function partitionContext(setup: Setup, kind: PartitionKind): Partition {
  switch (kind) {
    case 'e':
      return evenPartition(setup.contextTokens, setup.partition.length);
    case 's':
      return searchedBySimulation(setup).partition;
    case 'p':
      return lookedUpPartition(setup);
    case 'exact':
      return exactBySimulation(setup);
  }
}

/** The described cluster in the terms of plan/. The own square is always its lower half there. */
export function planCosts(setup: Setup): ChainCosts {
  const { times, cluster, policy, contextTokens } = setup;
  const chunkTokens = Math.min(policy.chunkTokens, contextTokens);
  const lengths = [1, 16, 128, 1024, 8192, 65_536];
  const worker: WorkerCost = {
    block: lengths.map((tokens) => ({ tokens, ms: times.blockMs(tokens) })),
    firstBlockShare: times.firstBlockMs(1024) / times.blockMs(1024),
    attention: { fixedMs: 0, tokenMs: 0, prefixTokenMs: 0, pairMs: times.attentionMs(1) },
    callMs: 0,
    embedTokenMs: 0,
    headMs: times.headMs,
    chunkTokens,
    scale: 1,
    attentionScale: 1,
  };
  const link = { ...cluster.link, frameBytes: Math.min(policy.frameBytes, chunkTokens * times.kvBytes) };
  const ranks = setup.partition.length;
  const workers = Array.from({ length: ranks }, () => worker);
  const links = Array.from({ length: ranks - 1 }, () => link);
  return { contextTokens, cachedTokens: 0, workers, links, layers: times.layers, kvBytes: times.kvBytes };
}

/** KVR-S over simulated times, from the even partition or another start. */
function searchedBySimulation(setup: Setup, start = costSearchStart(setup)): SearchResult {
  const ranks = setup.partition.length;
  const steps = searchSteps(setup.contextTokens, ranks);
  return searchPartitionSync({
    contextTokens: setup.contextTokens,
    ranks,
    evaluate: (partition) => simulateChain({ ...setup, partition }).ttftMs,
    maxEvaluations: affordedEvaluations(setup),
    ...(start && { start, coarseStepTokens: Math.max(1, Math.floor(steps.coarseTokens / 8)) }),
  });
}

function affordedEvaluations(setup: Setup): number {
  return Math.max(1, Math.floor(SEARCH_FRAMES / framesOf(setup)));
}

/**
 * Where to begin a search over simulated times that can not afford to begin at the even partition: what a search over
 * plan/'s costs finds.
 */
function costSearchStart(setup: Setup): Partition | undefined {
  if (affordedEvaluations(setup) >= AMPLE_EVALUATIONS) return undefined;
  const costs = planCosts(setup);
  const ranks = setup.partition.length;
  const { partition } = searchPartitionSync({
    contextTokens: setup.contextTokens,
    ranks,
    evaluate: (candidate) => predictTtftMs(costs, candidate),
    maxEvaluations: Math.ceil(COST_SEARCH_RANKS / ranks),
  });
  return partition;
}

/** The balance on plan/'s costs, polished on simulated times, and never behind KVR-S. */
function exactBySimulation(setup: Setup): Partition {
  const balanced = exactPartition(planCosts(setup), setup.partition.length, 'quick').partition;
  if (balanced.length < setup.partition.length) return balanced;
  const polished = searchedBySimulation(setup, balanced);
  const searched = searchedBySimulation(setup);
  return polished.ms <= searched.ms ? polished.partition : searched.partition;
}

/** KVR-P from the two lengths of the table around the asked one, which is never in the table itself. */
function lookedUpPartition(setup: Setup): Partition {
  const table = tableLengths(setup).reduce((entries, contextTokens) => {
    const partition = evenPartition(contextTokens, setup.partition.length);
    return addTableEntry(entries, searchedBySimulation({ ...setup, contextTokens, partition }).partition);
  }, emptyTable('simulated'));
  return lookUpPartition(table, setup.contextTokens, setup.partition.length);
}

function tableLengths(setup: Setup): number[] {
  const octave = 2 ** Math.floor(Math.log2(setup.contextTokens));
  const spacing = octave / TABLE_LENGTHS_PER_DOUBLING;
  const above = octave + spacing * (Math.floor((setup.contextTokens - octave) / spacing) + 1);
  // Below a power of two the lengths are half as far apart.
  const below =
    setup.contextTokens === octave
      ? octave - spacing / 2
      : octave + spacing * (Math.ceil((setup.contextTokens - octave) / spacing) - 1);
  return [below, above].map((length) => Math.max(setup.partition.length, Math.round(length)));
}

function framesOf(setup: Setup): number {
  const ranks = setup.partition.length;
  const tokens = Math.ceil(setup.contextTokens / ranks);
  const chunks = Math.ceil(tokens / Math.min(tokens, setup.policy.chunkTokens));
  const pieces = piecesOf(setup, (tokens * setup.times.kvBytes) / chunks, chunks);
  if (setup.policy.relay === 'store-and-forward') return ranks * setup.times.layers * chunks * 2;
  return Math.ceil(ranks * (ranks / 2 + 1) * setup.times.layers * chunks * pieces);
}
