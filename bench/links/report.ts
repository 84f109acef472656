/**
 * Cells of a bench as a row a link and context, and whether planned KVR holds its promise in each. Pure.
 */
import type { MedianRange } from '../../src/core/statistics.js';
import { columnsOf, type Table, tableOf } from '../runner/table.js';
import type { Flags, Link } from './flags.js';

/** What of a cell of `kvr bench --json` is used here. */
export type Cell = {
  readonly strategy: string;
  readonly contextTokens: number;
  readonly ttftMs: MedianRange;
  readonly predictedTtftMs: number | null;
  readonly partition: readonly number[];
};

/** One link and context. */
export type LinkRow = Link & { readonly contextTokens: number; readonly cells: readonly Cell[] };

/**
 * Two medians of a few runs differ by so much from run to run where the runs are the same: a plan that takes one worker
 * does exactly what `single` does.
 */
export const NOISE_SHARE = 0.03;
const BASELINES = ['single', 'tsp', 'tsp-dense'];
const PLANNED = 'kvr';

export function linkRows(link: Link, cells: readonly Cell[]): LinkRow[] {
  const contexts = [...new Set(cells.map(({ contextTokens }) => contextTokens))];
  return contexts.map((contextTokens) => ({
    ...link,
    contextTokens,
    cells: cells.filter((cell) => cell.contextTokens === contextTokens),
  }));
}

/** '200 Mbit/s, 5 ms one way'. */
export function linkWords({ mbit, oneWayMs }: Link): string {
  return `${mbit} Mbit/s, ${oneWayMs === 0 ? 'about 0.1' : oneWayMs} ms one way`;
}

export function linksTable({ model, dtype, repeats, strategies }: Flags, rows: readonly LinkRow[]): Table {
  const { figure, words } = columnsOf<LinkRow>();
  const columns = [
    words('link', linkWords),
    figure('context', ({ contextTokens }) => contextTokens),
    ...strategies.map((name) => figure(name, (row) => cellOf(row, name)?.ttftMs.median)),
    figure('kvr predicted', (row) => cellOf(row, PLANNED)?.predictedTtftMs),
    words('kvr cut', (row) => cellOf(row, PLANNED)?.partition.join() ?? '–'),
  ];
  const title = `TTFT in ms of ${model}, ${dtype}, 2 × 1, medians of ${repeats} runs`;
  return tableOf({ name: 'links', title, label: 'measured' }, columns, rows);
}

function cellOf({ cells }: LinkRow, name: string): Cell | undefined {
  return cells.find(({ strategy }) => strategy === name);
}

/** @returns a sentence for each baseline that planned KVR was slower than */
export function checkRow(row: LinkRow): string[] {
  const planned = cellOf(row, PLANNED);
  if (!planned) return [];
  const isSlower = ({ ttftMs }: Cell): boolean => planned.ttftMs.median > ttftMs.median * (1 + NOISE_SHARE);
  return row.cells
    .filter((cell) => BASELINES.includes(cell.strategy) && isSlower(cell))
    .map(({ strategy, ttftMs }) => {
      const times = (planned.ttftMs.median / ttftMs.median).toFixed(3);
      return `${linkWords(row)}, ${row.contextTokens} tokens: kvr takes ${times} times as long as ${strategy}`;
    });
}
