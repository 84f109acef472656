/**
 * From measured times to a worker's cost, and from the timelines of real requests to a cost that follows the machine.
 * Pure: whoever owns sessions measures. stored-cost.ts is the form it is kept in.
 */
import { KvrError } from '../../core/errors.js';
import { sliceTokens } from '../../core/partition.js';
import { median } from '../../core/statistics.js';
import type { RankTimeline } from '../../core/timeline.js';
import { sliceOf } from '../../core/timeline.js';
import type { AttentionCost, WorkerCost } from './cost-model.js';
import { causalPairs } from './cost-model.js';
import type { CostPoint, CostTable } from './cost-table.js';
import { fitNonNegative } from './least-squares.js';
import { rankWork, tailWork } from './rank-work.js';

/** One measured call. `prefixTokens` matters for attention only; `ms` above 0. */
export type CostSample = {
  readonly kind: 'block' | 'attention' | 'head';
  readonly tokens: number;
  readonly prefixTokens: number;
  readonly ms: number;
};

/** What is not measured but known. */
export type FitOptions = {
  readonly chunkTokens: number;
  /** Weights of Q,K,V over the weights of a layer. */
  readonly firstBlockShare: number;
  readonly callMs?: number;
  readonly embedTokenMs?: number;
};

/** @throws BAD_INPUT where there are no samples of a kind, or one that is not a time */
export function fitWorkerCost(samples: readonly CostSample[], options: FitOptions): WorkerCost {
  for (const sample of samples) checkSample(sample);
  return {
    block: fitTable(ofKind(samples, 'block')),
    firstBlockShare: options.firstBlockShare,
    attention: fitAttention(ofKind(samples, 'attention')),
    callMs: options.callMs ?? 0,
    embedTokenMs: options.embedTokenMs ?? 0,
    headMs: median(ofKind(samples, 'head').map((sample) => sample.ms)),
    chunkTokens: options.chunkTokens,
    scale: 1,
    attentionScale: 1,
  };
}

/** How a cost follows its machine. */
export type RefreshOptions = {
  readonly layers: number;
  readonly contextTokens: number;
  readonly cachedTokens?: number;
  /** Weight of one new timeline, 0 to 1. */
  readonly smoothing?: number;
};

const DEFAULT_SMOOTHING = 0.25;

/** Bounds of the factor: beyond them a calibration is wrong rather than a machine slow. */
export const SCALE_BOUNDS = { least: 1 / 8, most: 8 } as const;

/**
 * Moves the cost's scales towards measured over expected compute of each timeline in turn (exponential smoothing), that of
 * attention apart from that of everything else.
 * @param timelines of this worker with this model, oldest first, of requests with options.contextTokens; tsp-dense ones
 *   do not belong here, they attend to more than the cost knows
 */
export function refreshCost(
  cost: WorkerCost,
  timelines: readonly RankTimeline[],
  options: RefreshOptions,
): WorkerCost {
  const smoothing = options.smoothing ?? DEFAULT_SMOOTHING;
  let { scale, attentionScale } = cost;
  for (const timeline of timelines) {
    const expected = expectedWork({ ...cost, scale: 1, attentionScale: 1, callMs: 0 }, timeline, options);
    const { computeMs, attentionMs } = timeline;
    scale = moved(scale, (computeMs - attentionMs) / expected.otherMs, smoothing);
    attentionScale = moved(attentionScale, attentionMs / expected.attentionMs, smoothing);
  }
  return { ...cost, scale, attentionScale };
}

/** One request counts as at most so many times slower or faster than expected: it may have been disturbed. */
const MOST_SURPRISE = 1.4;

function moved(scale: number, ratio: number, smoothing: number): number {
  if (!Number.isFinite(ratio) || ratio <= 0) return scale;
  const counted = Math.min(scale * MOST_SURPRISE, Math.max(scale / MOST_SURPRISE, ratio));
  return bounded(scale + smoothing * (counted - scale));
}

/** Attention of the slice, and blocks and the rest; with the tail where the timeline has a head. */
function expectedWork(cost: WorkerCost, timeline: RankTimeline, options: RefreshOptions) {
  const slice = sliceOf(timeline);
  const prefixTokens = (options.cachedTokens ?? 0) + slice.start;
  const ask = {
    tokens: sliceTokens(slice),
    prefixTokens,
    relayedTokens: 0,
    kvBytes: 0,
    masking: 'causal',
  } as const;
  const work = rankWork(cost, { ...ask, contextTokens: options.contextTokens });
  const isLast = timeline.events.some((event) => event.kind === 'head');
  const tail = isLast ? tailWork(cost, options.contextTokens) : { tailMs: 0, attentionMs: 0 };
  const later = options.layers - 1;
  return {
    attentionMs: later * work.attentionMs + tail.attentionMs,
    otherMs: work.firstMs + later * (work.layerMs - work.attentionMs) + tail.tailMs - tail.attentionMs,
  };
}

/** Medians by number of tokens, made to grow: a longer call never costs less than a shorter one. */
function fitTable(samples: readonly CostSample[]): CostTable {
  const lengths = [...new Set(samples.map((sample) => sample.tokens))].sort((a, b) => a - b);
  let floorMs = 0;
  return lengths.map((tokens): CostPoint => {
    floorMs = Math.max(floorMs, median(samples.filter((one) => one.tokens === tokens).map((one) => one.ms)));
    return { tokens, ms: floorMs };
  });
}

function fitAttention(samples: readonly CostSample[]): AttentionCost {
  const observations = samples.map(({ tokens, prefixTokens, ms }) => ({
    features: [1, tokens, prefixTokens + tokens, causalPairs(tokens, prefixTokens)],
    value: ms,
  }));
  const [fixedMs = 0, tokenMs = 0, prefixTokenMs = 0, pairMs = 0] = fitNonNegative(observations);
  return { fixedMs, tokenMs, prefixTokenMs, pairMs };
}

function ofKind(samples: readonly CostSample[], kind: CostSample['kind']): CostSample[] {
  const found = samples.filter((sample) => sample.kind === kind);
  if (found.length > 0) return found;
  throw new KvrError('BAD_INPUT', `0 samples of kind ${kind} to calibrate with; measure at least 1`);
}

function checkSample({ kind, tokens, prefixTokens, ms }: CostSample): void {
  if (Number.isFinite(ms) && ms > 0 && tokens >= 1 && prefixTokens >= 0) return;
  throw new KvrError(
    'BAD_INPUT',
    `a ${kind} sample of ${tokens} tokens after ${prefixTokens} took ${ms} ms; times must be above 0, tokens at least 1`,
  );
}

function bounded(scale: number): number {
  return Math.min(SCALE_BOUNDS.most, Math.max(SCALE_BOUNDS.least, scale));
}
