/** Many times in three numbers. Pure. */

export type Quantiles = { readonly p50: number; readonly p95: number; readonly max: number };

/** Of no values, NaN. */
export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? NaN };
}

export function quantileWords({ p50, p95, max }: Quantiles): string {
  return [p50, p95, max].map((ms) => ms.toFixed(0)).join(' / ');
}
