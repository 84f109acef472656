/**
 * Rows of plain arrays: views of some, and arrays put one behind another. Pure.
 */

/** Rows [from, to) of [count, width], as a view; nothing stays nothing. */
export function viewRows(all: Float32Array, count: number, from: number, to: number): Float32Array {
  const width = all.length / count;
  return all.subarray(from * width, to * width);
}

export function joinArrays(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
