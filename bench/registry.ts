/**
 * All benchmarks, in the order of the list. A new one is a file or folder beside this, and a line here.
 */
import { compare } from './compare/compare.js';
import type { AnyBenchmark } from './runner/program.js';

export const BENCHMARKS: readonly AnyBenchmark[] = [compare];
