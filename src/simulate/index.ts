/**
 * Simulation, importable as `kv-runahead/simulate`: every strategy on a cluster that is only described, and the paper's
 * cases beside it. Pure: no Node, no kernels, runs in a browser. All figures from here are "simulated".
 *
 *     const cluster = { device: CPU_CORE, link: { bytesPerS: 1.25e9, latencyMs: 0.05 } };
 *     for (const [name, shape] of PAPER_SHAPES)
 *       console.log(name, simulate({ strategy: 'kvr', shape, cluster, contextTokens: 16_384, ranks: 4 }).ttftMs);
 *
 * The paper's words and ours: C contextTokens, p ranks, TTFT(p) ttftMs, TSP 'tsp-dense', KVR 'kvr' with the partitions 'e',
 * 's' and 'p', its relays 'store-and-forward'. Not the paper's: tsp, exact partitions, cut-through relays, ring, pipeline.
 */

// What goes in and comes out: models, partitions, errors.
export { KvrError, type KvrErrorCode } from '../core/errors.js';
export type { Partition, Slice } from '../core/partition.js';
export { PAPER_SHAPES } from '../core/published-shapes.js';
export type { ModelShape } from '../core/shape.js';

// A cluster in words.
export { CPU_CORE, OUR_POLICY, PAPER_POLICY } from './cluster.js';
export type { ClusterProfile, DeviceProfile, LinkProfile, NoiseProfile, Policy } from './cluster.js';

// One prompt phase.
export { MAX_SIMULATED_TOKENS, simulate, ttftMsByEvents } from './simulate.js';
export type { Simulation, SimulationRequest } from './simulate.js';
export type { Outcome, SimulatedRank } from './setup.js';
export { SIMULATED_STRATEGIES, simulatedStrategyOf } from './strategies.js';
export type { SimulatedStrategy, SimulatedStrategyName } from './strategies.js';
export type { PartitionKind } from './partitions.js';

// The paper's cases.
export { PAPER_CASES } from './paper-cases.js';
export type { PaperCase, PaperCell } from './paper-cases.js';
export { rowOf, simulatePaper } from './paper.js';
export type { PaperRow } from './paper.js';
export { LINK_10GB, NOISE_SEEDS, NVLINK_300GB, PAPER_A100, PAPER_NOISE } from './paper-profile.js';
