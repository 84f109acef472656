/**
 * What rows may see of a context.
 */

/** -inf where row r may not look: [rows, tokens], row r stands at token start + r. */
export function causalMask(rows: number, start: number, tokens: number): Float32Array {
  const mask = new Float32Array(rows * tokens);
  for (let row = 0; row < rows; row++) hide(mask, tokens, row, start + row + 1, tokens);
  return mask;
}

/** The same, and -inf before the window of each row, where there is one. */
export function seenMask(rows: number, start: number, tokens: number, windowTokens?: number): Float32Array {
  const mask = causalMask(rows, start, tokens);
  if (windowTokens === undefined) return mask;
  for (let row = 0; row < rows; row++) hide(mask, tokens, row, 0, start + row + 1 - windowTokens);
  return mask;
}

function hide(mask: Float32Array, tokens: number, row: number, from: number, to: number): void {
  if (to > from) mask.fill(-Infinity, row * tokens + from, row * tokens + to);
}
