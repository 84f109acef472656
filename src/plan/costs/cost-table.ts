/**
 * Time by number of tokens as a piecewise linear table: what a short measurement gives and what plans read.
 * Pure. Made by calibration.ts, read through cost-model.ts.
 */

/** One measured point; `tokens` at least 1. */
export type CostPoint = { readonly tokens: number; readonly ms: number };

/** Points with growing `tokens`; at least one. */
export type CostTable = readonly CostPoint[];

/**
 * Linear between points; below the first point its own time, because reading the weights once is a floor; above the
 * last point the slope of the last segment (a table of one point grows in proportion).
 * @returns milliseconds; 0 for no tokens
 */
export function tableMs(table: CostTable, tokens: number): number {
  const first = table[0];
  if (first === undefined || tokens <= 0) return 0;
  if (tokens <= first.tokens) return first.ms;
  if (table.length === 1) return (first.ms * tokens) / first.tokens;
  const [left, right] = segmentOf(table, tokens);
  return left.ms + ((right.ms - left.ms) * (tokens - left.tokens)) / (right.tokens - left.tokens);
}

/** The segment that holds `tokens`, or the last one. The table has at least two points. */
function segmentOf(table: CostTable, tokens: number): readonly [CostPoint, CostPoint] {
  let index = 1;
  while (index < table.length - 1 && (table[index] as CostPoint).tokens < tokens) index += 1;
  return [table[index - 1] as CostPoint, table[index] as CostPoint];
}
