/** The comparison as a table: one row a side, and how many times the peer's speed it has. */
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

const HEADINGS = ['', 'tokens', 'dtype', 'cores', 'TTFT ms', 'tokens/s', 'least', 'most', 'times peer'];

export function table(cells: readonly ComparedCell[]): string {
  const rows = cells.map((cell) => [
    `${cell.kind} ${cell.name}`,
    String(cell.contextTokens),
    cell.dtype,
    `${cell.workers}×${cell.threads}`,
    cell.ttftMs.median.toFixed(0),
    cell.tokensPerS.median.toFixed(1),
    cell.tokensPerS.min.toFixed(1),
    cell.tokensPerS.max.toFixed(1),
    cell.timesPeer === null ? '' : `${cell.timesPeer.toFixed(2)} × ${cell.peerDtype}`,
  ]);
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}
