/**
 * The paper's cases beside the simulator's, and how far off they are. Pure.
 */
import type { DeviceProfile, PaperRow } from '../../simulate/index.js';
import { NOISE_SEEDS, PAPER_NOISE } from '../../simulate/index.js';
import { formatShare, wrap } from '../terminal/format.js';
import { deviceWords, tableLines } from './table-lines.js';

/** A published figure and ours are told with so many digits. */
const RATIO_DIGITS = 3;

/** @returns cases, published and simulated, then the residuals and the profile they were made on */
export function paperTable(rows: readonly PaperRow[], device: DeviceProfile, columns: number): string {
  const head = ['published', 'simulated', 'difference', 'case'];
  const cells = rows.map((row) => [
    row.published === null ? '–' : ratio(row.published),
    ratio(row.simulated),
    row.difference === null ? '–' : percent(row.difference),
    row.note === undefined ? row.case : `${row.case} ${marker(rows, row)}`,
  ]);
  const notes = notesOf(rows).map((note, index) => wrap(`[${index + 1}] ${note}`, columns));
  return [
    wrap(
      "The paper's cases beside the simulator's: ratios of times to the first token, over the paper's TSP (dense).",
      columns,
    ),
    '',
    ...tableLines(head, cells, [3]),
    '',
    ...notes,
    '',
    wrap(residualWords(rows), columns),
    wrap(
      `Profile of all rows: ${deviceWords(device)}. Noise: ${formatShare(PAPER_NOISE.share)} of a link's layers ${PAPER_NOISE.slowdown} times as long, mean of ${NOISE_SEEDS} draws.`,
      columns,
    ),
    '',
  ].join('\n');
}

export type Residuals = {
  readonly rows: number;
  /** Means and largest of |simulated/published − 1| over rows with a published figure. */
  readonly meanDifference: number;
  readonly largestDifference: number;
  readonly within10Percent: number;
};

export function residualsOf(rows: readonly PaperRow[]): Residuals {
  const differences = rows.flatMap(({ difference }) => (difference === null ? [] : [Math.abs(difference)]));
  return {
    rows: differences.length,
    meanDifference: differences.reduce((sum, one) => sum + one, 0) / Math.max(1, differences.length),
    largestDifference: Math.max(0, ...differences),
    within10Percent: differences.filter((one) => one <= 0.1).length,
  };
}

function residualWords(rows: readonly PaperRow[]): string {
  const { rows: count, meanDifference, largestDifference, within10Percent } = residualsOf(rows);
  return `Of ${count} published figures ${within10Percent} are met within 10 %; differences are ${(100 * meanDifference).toFixed(1)} % on average and ${(100 * largestDifference).toFixed(1)} % at most.`;
}

function marker(rows: readonly PaperRow[], { note = '' }: PaperRow): string {
  return `[${notesOf(rows).indexOf(note) + 1}]`;
}

/** Each once, though several rows may share it. */
function notesOf(rows: readonly PaperRow[]): string[] {
  return [...new Set(rows.flatMap(({ note }) => (note === undefined ? [] : [note])))];
}

function ratio(value: number): string {
  return value.toFixed(RATIO_DIGITS);
}

function percent(value: number): string {
  return `${value >= 0 ? '+' : '−'}${(100 * Math.abs(value)).toFixed(1)} %`;
}
