/**
 * What a bench finds: a cell for every strategy, context and number of workers, summed up over its runs and compared
 * with the baselines of the same context. Pure.
 */
import type { Dtype, KvDtype } from '../../core/shape.js';
import type { RankTimeline } from '../../core/timeline.js';
import type { LinkCost } from '../../plan/index.js';
import { type MedianRange, medianRange, middleOf } from '../../core/statistics.js';
import type { BenchStrategyName } from './strategies.js';

/** Measured: real workers, real links. Emulated: measured kernels, modelled links and overlap. */
export type Label = 'measured' | 'emulated';

/** What is compared. */
export type CellKey = {
  readonly strategy: BenchStrategyName;
  /** Workers it could have; the partition says how many it used. */
  readonly workers: number;
  /** Of each worker. */
  readonly threads: number;
  readonly contextTokens: number;
  /** The modelled link; absent where links are real, or there is none. */
  readonly link?: LinkCost;
};

/** One time to the first token. */
export type CellRun = {
  readonly ttftMs: number;
  readonly predictedTtftMs: number | null;
  /** Slice sizes in rank order. */
  readonly partition: readonly number[];
  readonly firstToken: number;
  readonly timeline: readonly RankTimeline[];
};

export type BenchCell = CellKey & {
  readonly label: Label;
  readonly dtype: Dtype;
  readonly kvDtype: KvDtype;
  readonly ttftMs: MedianRange;
  readonly runsMs: readonly number[];
  readonly firstToken: number;
  /** Of the run in the middle, as everything below but the speedups. */
  readonly partition: readonly number[];
  readonly predictedTtftMs: number | null;
  /** Attention in the compute of all ranks. */
  readonly attentionShare: number;
  readonly timeline: readonly RankTimeline[];
  /** How many times as fast as a baseline of the same context and workers; null where that was not run. */
  readonly speedupOverSingle: number | null;
  readonly speedupOverTsp: number | null;
  readonly speedupOverTspDense: number | null;
  readonly speedupOverBestTsp: number | null;
};

export type CellRuns = { readonly key: CellKey; readonly runs: readonly CellRun[] };

type ElementTypes = Pick<BenchCell, 'dtype' | 'kvDtype'>;

/** @param cells in the order of the table; of several `single` cells of a context the first is the baseline */
export function summarise(cells: readonly CellRuns[], label: Label, types: ElementTypes): BenchCell[] {
  const alone = cells.map((cell) => withoutSpeedups(cell, label, types));
  return alone.map((cell) => ({ ...cell, ...speedupsOf(cell, alone) }));
}

type Speedups = `speedupOver${'Single' | 'Tsp' | 'TspDense' | 'BestTsp'}`;

function withoutSpeedups(
  { key, runs }: CellRuns,
  label: Label,
  types: ElementTypes,
): Omit<BenchCell, Speedups> {
  const middle = middleOf(runs, ({ ttftMs }) => ttftMs);
  const { partition, predictedTtftMs, timeline, firstToken } = middle;
  const runsMs = runs.map(({ ttftMs }) => ttftMs);
  const ttftMs = medianRange(runsMs);
  const attentionShare = shareOfAttention(timeline);
  return {
    ...key,
    label,
    dtype: types.dtype,
    kvDtype: types.kvDtype,
    ttftMs,
    runsMs,
    firstToken,
    partition,
    predictedTtftMs,
    attentionShare,
    timeline,
  };
}

function shareOfAttention(timeline: readonly RankTimeline[]): number {
  const computeMs = timeline.reduce((sum, rank) => sum + rank.computeMs, 0);
  const attentionMs = timeline.reduce((sum, rank) => sum + rank.attentionMs, 0);
  return computeMs > 0 ? attentionMs / computeMs : 0;
}

type Compared = CellKey & Pick<BenchCell, 'ttftMs'>;

function speedupsOf(cell: Compared, all: readonly Compared[]): Pick<BenchCell, Speedups> {
  const sameContext = all.filter(({ contextTokens }) => contextTokens === cell.contextTokens);
  const sameChain = sameContext.filter((other) => isSameChain(cell, other));
  const medianOf = (others: readonly Compared[], strategy: BenchStrategyName): number =>
    others.find((other) => other.strategy === strategy)?.ttftMs.median ?? Infinity;
  const [tspMs, denseMs] = [medianOf(sameChain, 'tsp'), medianOf(sameChain, 'tsp-dense')];
  const over = (baselineMs: number): number | null =>
    Number.isFinite(baselineMs) ? baselineMs / cell.ttftMs.median : null;
  return {
    speedupOverSingle: over(medianOf(sameContext, 'single')),
    speedupOverTsp: over(tspMs),
    speedupOverTspDense: over(denseMs),
    speedupOverBestTsp: over(Math.min(tspMs, denseMs)),
  };
}

/** As many workers, with as many threads, on the same modelled link. */
function isSameChain(one: CellKey, other: CellKey): boolean {
  return one.workers === other.workers && one.threads === other.threads && one.link === other.link;
}
