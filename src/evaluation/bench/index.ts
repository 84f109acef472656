/**
 * Benchmarks: strategies side by side, measured on real workers or emulated for more workers than there are cores.
 */
export type { BenchCell, Label } from './cells.js';
export { type EmulatedBenchOptions, runEmulatedBench } from './emulated-bench.js';
export { type MachineFacts, machineFacts } from './machine.js';
export { type MeasuredBenchOptions, runMeasuredBench } from './measured-bench.js';
export {
  type BenchOptions,
  type BenchReport,
  type EmulatedCluster,
  type BenchEngine,
  MAX_REPEATS,
} from './options.js';
export { BENCH_STRATEGIES, type BenchStrategyName, benchStrategyOf, inTableOrder } from './strategies.js';
