/**
 * What rows may see of a context.
 */

/** -inf where row r may not look: [rows, tokens], row r stands at token start + r. */
export function causalMask(rows: number, start: number, tokens: number): Float32Array {
  const mask = new Float32Array(rows * tokens);
  for (let row = 0; row < rows; row++)
    mask.fill(-Infinity, row * tokens + start + row + 1, (row + 1) * tokens);
  return mask;
}
