/**
 * How far two texts agree. Pure.
 */

/** How many tokens two texts begin with in common. */
export function commonTokens(a: Int32Array, b: Int32Array): number {
  const most = Math.min(a.length, b.length);
  for (let at = 0; at < most; at++) if (a[at] !== b[at]) return at;
  return most;
}
