/**
 * The planner's sliders: stops from small to large, with the words people use for them. Pure.
 */
import { formatContext } from '../format/figures.js';

export type Stop<T> = { readonly value: T; readonly label: string };

const named = <T>(list: readonly (readonly [value: T, label: string])[]): readonly Stop<T>[] =>
  list.map(([value, label]) => ({ value, label }));

/** Values as the server reads them. */
export const LINKS = named<string>([
  ['100Mbit', '100 Mbit/s'],
  ['200Mbit', '200 Mbit/s'],
  ['500Mbit', '500 Mbit/s'],
  ['1Gbit', '1 Gbit/s'],
  ['2.5Gbit', '2.5 Gbit/s'],
  ['5Gbit', '5 Gbit/s'],
  ['10Gbit', '10 Gbit/s'],
  ['25Gbit', '25 Gbit/s'],
  ['40Gbit', '40 Gbit/s'],
  ['100Gbit', '100 Gbit/s'],
  ['200Gbit', '200 Gbit/s'],
  ['400Gbit', '400 Gbit/s'],
]);

export const LATENCIES = named<string>([
  ['1us', '1 µs'],
  ['5us', '5 µs'],
  ['10us', '10 µs'],
  ['20us', '20 µs'],
  ['50us', '50 µs'],
  ['0.1ms', '0.1 ms'],
  ['0.2ms', '0.2 ms'],
  ['0.5ms', '0.5 ms'],
  ['1ms', '1 ms'],
  ['2ms', '2 ms'],
  ['5ms', '5 ms'],
  ['10ms', '10 ms'],
  ['50ms', '50 ms'],
]);

export const MAX_WORKERS = 16;
export const WORKERS: readonly Stop<number>[] = Array.from({ length: MAX_WORKERS }, (_, i) => ({
  value: i + 1,
  label: i === 0 ? '1 worker' : `${i + 1} workers`,
}));

const CONTEXT_TOKENS = [
  512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072,
];

/** Contexts up to what the model takes; at least one. */
export function contextStops(mostTokens: number): readonly Stop<number>[] {
  const inside = CONTEXT_TOKENS.filter((tokens) => tokens <= mostTokens);
  const list = inside.length > 0 ? inside : [mostTokens];
  return list.map((value) => ({ value, label: `${formatContext(value)} tokens` }));
}

/** The last stop that is not above the value; the first where all are. */
export function stopAt(stops: readonly Stop<number>[], value: number): number {
  return Math.max(
    0,
    stops.findLastIndex((stop) => stop.value <= value),
  );
}
