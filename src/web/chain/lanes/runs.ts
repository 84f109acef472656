/** Stretches of equal neighbours. */
export type Run = { readonly from: number; readonly to: number; readonly value: number };

/** @returns ranges [from, to) that cover all values in order */
export function runs(values: Uint8Array): Run[] {
  const found: Run[] = [];
  for (let from = 0, to = 0; from < values.length; from = to) {
    const value = values[from] ?? 0;
    while (to < values.length && values[to] === value) to++;
    found.push({ from, to, value });
  }
  return found;
}
