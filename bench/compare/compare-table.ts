/**
 * Two checkouts' times side by side. Pure.
 */
import { formatPlural } from '../../src/cli/terminal/format.js';
import type { Dtype } from '../../src/core/shape.js';
import { type MedianRange, medianRange } from '../../src/core/statistics.js';
import { columnsOf, rangeWords, type Table, tableOf } from '../runner/table.js';
import type { SideAnswer } from './messages.js';

export type CompareRow = {
  readonly dtype: Dtype;
  readonly contextTokens: number;
  readonly baseTtftMs: MedianRange;
  readonly thisTtftMs: MedianRange;
  /** Median of the base over that of this checkout. */
  readonly ratio: number;
  /** The same within single rounds. */
  readonly roundRatios: MedianRange;
  readonly baseRunsMs: readonly number[];
  readonly thisRunsMs: readonly number[];
  /** Whether both chose the same first token in every round. */
  readonly isSame: boolean;
};

/** @param ours, theirs one answer a round, of the same prompts */
export function compareRow(
  dtype: Dtype,
  contextTokens: number,
  ours: readonly SideAnswer[],
  theirs: readonly SideAnswer[],
): CompareRow {
  const [thisRunsMs, baseRunsMs] = [ours, theirs].map((runs) => runs.map(({ ttftMs }) => ttftMs)) as [
    number[],
    number[],
  ];
  const [thisTtftMs, baseTtftMs] = [medianRange(thisRunsMs), medianRange(baseRunsMs)];
  return {
    ...{ dtype, contextTokens, baseTtftMs, thisTtftMs },
    ratio: baseTtftMs.median / thisTtftMs.median,
    roundRatios: medianRange(thisRunsMs.map((ms, round) => (baseRunsMs[round] ?? NaN) / ms)),
    ...{ baseRunsMs, thisRunsMs },
    isSame: ours.every(({ firstToken }, round) => firstToken === theirs[round]?.firstToken),
  };
}

const { figure, words } = columnsOf<CompareRow>();
const COLUMNS = [
  words('dtype', ({ dtype }) => dtype),
  figure('context', ({ contextTokens }) => contextTokens),
  figure('base ms', ({ baseTtftMs }) => baseTtftMs.median),
  words('min – max', ({ baseTtftMs }) => rangeWords(baseTtftMs)),
  figure('this ms', ({ thisTtftMs }) => thisTtftMs.median),
  words('min – max', ({ thisTtftMs }) => rangeWords(thisTtftMs)),
  figure('×', ({ ratio }) => ratio, 3),
  words('× by round', ({ roundRatios }) => rangeWords(roundRatios, 3)),
];

type Settings = {
  readonly model: string;
  readonly workers: number;
  readonly threads: number;
  readonly rounds: number;
};

export function compareTable(
  { model, workers, threads, rounds }: Settings,
  rows: readonly CompareRow[],
): Table {
  const title = `TTFT of ${model}, ${workers} × ${threads}, medians of ${formatPlural(rounds, 'round')} in turn`;
  return tableOf({ name: 'compare', title, label: 'measured' }, COLUMNS, rows);
}
