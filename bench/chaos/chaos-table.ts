/**
 * What came of the faults, as a table, and which goals were missed.
 */
import { medianRange } from '../../src/core/statistics.js';
import type { Report } from '../runner/benchmark.js';
import { columnsOf, tableOf } from '../runner/table.js';
import type { Outcomes } from './load.js';

/** From the fault's end until the whole chain has answered a request. */
const MAX_RECOVERY_MS = 5_000;
/** A delay is no fault: nothing is to be told of it, and nothing may fail. */
const NO_FAULT = 'delay';

export type Row = Omit<Outcomes, 'errors'> & {
  readonly over: 'local' | 'tcp';
  readonly fault: string;
  readonly strikes: number;
  /** Faults during which no member was said to be missing. */
  readonly untold: number;
  readonly wholeMs: readonly number[];
  readonly errors: Readonly<Record<string, number>>;
};

export function rowOf(
  over: Row['over'],
  fault: string,
  { outcomes, ...result }: Pick<Row, 'strikes' | 'untold' | 'wholeMs'> & { readonly outcomes: Outcomes },
): Row {
  return { over, fault, ...result, ...outcomes, errors: Object.fromEntries(outcomes.errors) };
}

const { figure, words } = columnsOf<Row>();
const rangeOf = (ms: readonly number[]) => (ms.length > 0 ? medianRange(ms) : undefined);
const COLUMNS = [
  words('over', ({ over }) => over),
  words('fault', ({ fault }) => fault),
  figure('strikes', ({ strikes }) => strikes),
  figure('right', ({ right }) => right),
  figure('of them hit', ({ recoveryMs }) => recoveryMs.length),
  figure('stood still ms, median', ({ recoveryMs }) => rangeOf(recoveryMs)?.median),
  figure('most', ({ recoveryMs }) => rangeOf(recoveryMs)?.max),
  figure('wrong', ({ wrong }) => wrong),
  figure('hung', ({ hung }) => hung),
  figure('failed on the struck worker', ({ hit }) => hit),
  figure('failed otherwise', ({ other }) => other),
  figure('whole again ms, median', ({ wholeMs }) => rangeOf(wholeMs)?.median),
  figure('most', ({ wholeMs }) => rangeOf(wholeMs)?.max),
];

export function reportOf(
  { model, dtype, workers }: { readonly model: string; readonly dtype: string; readonly workers: number },
  rows: readonly Row[],
): Report {
  const title = `${model}, ${dtype}, ${workers} workers`;
  const errors = rows.flatMap(({ over, fault, errors: all }) =>
    Object.entries(all).map(([text, count]) => `${over} ${fault}: ${count} × ${text}`),
  );
  return {
    tables: [tableOf({ name: 'chaos', title, label: 'measured' }, COLUMNS, rows)],
    notes: errors,
    missed: rows.flatMap(missedBy),
  };
}

function missedBy(row: Row): string[] {
  const { over, fault, wrong, hung, hit, other, untold } = row;
  const slowest = rangeOf(row.wholeMs)?.max ?? 0;
  const isFault = fault !== NO_FAULT;
  const goals: readonly (readonly [boolean, string])[] = [
    [wrong > 0, `${wrong} wrong answers`],
    [hung > 0, `${hung} requests hung`],
    [other > 0, `${other} requests failed that ran on no worker that was struck`],
    [hit > 0, `${hit} requests failed that had lost a worker or a link`],
    [isFault && untold > 0, `${untold} times nobody was told that a worker is missing`],
    [
      slowest > MAX_RECOVERY_MS,
      `${slowest.toFixed(0)} ms until the whole chain answered, goal ${MAX_RECOVERY_MS}`,
    ],
  ];
  return goals.flatMap(([isMissed, text]) => (isMissed ? [`${over} ${fault}: ${text}`] : []));
}
