/**
 * Results as a table for people and as rows for programs; both say how the figures were found. Pure.
 */
import type { MedianRange } from '../../src/core/statistics.js';

/** Measured: real runs. Emulated: real kernel calls, modelled links and overlap. Simulated: no run at all. Published: by others. */
export type Label = 'measured' | 'emulated' | 'simulated' | 'published';

export type Table = {
  /** A word for programs. */
  readonly name: string;
  readonly title: string;
  /** Of every figure in the table but those that a heading calls predicted. */
  readonly label: Label;
  readonly rows: readonly object[];
  /** The rows as Markdown. */
  readonly lines: readonly string[];
};

export type Column<Row> = {
  readonly title: string;
  /** Numbers stand to the right, words to the left. */
  readonly isNumber: boolean;
  readonly of: (row: Row) => string;
};

/** The two kinds of columns for rows of one type. A figure that a row does not have is undefined or null. */
export function columnsOf<Row>() {
  return {
    words: (title: string, of: (row: Row) => string): Column<Row> => ({ title, isNumber: false, of }),
    figure: (title: string, of: (row: Row) => number | null | undefined, digits = 0): Column<Row> => ({
      title,
      isNumber: true,
      of: (row) => of(row)?.toFixed(digits) ?? '–',
    }),
  };
}

/** '431 – 502'. */
export function rangeWords({ min, max }: Omit<MedianRange, 'median'>, digits = 0): string {
  return `${min.toFixed(digits)} – ${max.toFixed(digits)}`;
}

/** '12.3 %'. */
export function percentWords(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function tableOf<Row extends object>(
  head: Pick<Table, 'name' | 'title' | 'label'>,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Table {
  return { ...head, rows, lines: markdown(columns, rows) };
}

function markdown<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ of }) => of(row)))];
  const widths = columns.map((_, at) => Math.max(3, ...cells.map((line) => line[at]?.length ?? 0)));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.isNumber)).join(' | ')} |`;
  const rule = columns.map(({ isNumber }, at) => '-'.repeat((widths[at] ?? 3) - 1) + (isNumber ? ':' : '-'));
  const [head = [], ...body] = cells.map(line);
  return [String(head), line(rule), ...body];
}

function pad(text: string, width: number, isNumber: boolean | undefined): string {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}
