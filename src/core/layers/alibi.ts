/**
 * ALiBi: how much of a score each position of distance costs, a query head at a time. Source: Press et al., 2022, and for head
 * counts that are no power of two the slopes of the published models. Pure.
 */

/**
 * Of every head. With c the largest power of two up to `heads`: 2^(-8·k/c) for k = 1 … c, and for the heads beyond those of twice
 * as many heads, every second one.
 */
export function alibiSlopes(heads: number): number[] {
  const even = 2 ** Math.floor(Math.log2(heads));
  return Array.from({ length: heads }, (_, head) =>
    head < even ? slope(head + 1, even) : slope(2 * (head - even) + 1, 2 * even),
  );
}

function slope(step: number, heads: number): number {
  return 2 ** ((-8 * step) / heads);
}
