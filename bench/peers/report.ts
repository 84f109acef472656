/** The comparison as a table: one row a side, and how many times the peer's speed it has. Pure. */
import { formatPlural } from '../../src/cli/terminal/format.js';
import { columnsOf, rangeWords, type Table, tableOf } from '../runner/table.js';
import type { Cell } from './rounds.js';

export type ComparedCell = Cell & { readonly peerDtype: string | null; readonly timesPeer: number | null };

/** @param peerOf the peer's dtype that stands beside one of ours */
export function compare(
  cells: readonly Cell[],
  peer: string,
  peerOf: (dtype: string) => string,
): ComparedCell[] {
  return cells.map((cell) => {
    if (cell.name === peer) return { ...cell, peerDtype: null, timesPeer: null };
    const peerDtype = peerOf(cell.dtype);
    const other = cells.find(
      ({ name, dtype, kind, contextTokens }) =>
        name === peer && dtype === peerDtype && kind === cell.kind && contextTokens === cell.contextTokens,
    );
    const timesPeer = other ? cell.tokensPerS.median / other.tokensPerS.median : null;
    return { ...cell, peerDtype, timesPeer };
  });
}

const { figure, words } = columnsOf<ComparedCell>();
const COLUMNS = [
  words('what', ({ kind }) => kind),
  figure('tokens', ({ contextTokens }) => contextTokens),
  words('side', ({ name }) => name),
  words('weights', ({ dtype }) => dtype),
  words('workers × threads', ({ workers, threads }) => `${workers} × ${threads}`),
  figure('TTFT ms', ({ ttftMs }) => ttftMs.median),
  figure('tokens/s', ({ tokensPerS }) => tokensPerS.median, 1),
  words('min – max', ({ tokensPerS }) => rangeWords(tokensPerS, 1)),
  words('× peer', ({ timesPeer, peerDtype }) =>
    timesPeer === null ? '' : `${timesPeer.toFixed(2)} × ${peerDtype}`,
  ),
];

export function peersTable(model: string, repeats: number, cells: readonly ComparedCell[]): Table {
  const title = `${model}, medians of ${formatPlural(repeats, 'round')} in turn`;
  return tableOf({ name: 'peers', title, label: 'measured' }, COLUMNS, cells);
}
