/**
 * Simulation of every strategy on described clusters, and the paper's cases beside it. Pure; figures are "simulated".
 *
 * The paper's words and ours: C contextTokens, p ranks, TTFT(p) ttftMs, TSP 'tsp-dense', KVR 'kvr' with the cuts 'e',
 * 's' and 'p', its relays 'store-and-forward'. The rest (tsp, exact cuts, cut-through relays, ring, pipeline) is not its.
 */
export { CPU_CORE, OUR_POLICY, PAPER_POLICY } from './cluster.js';
export type { ClusterProfile, DeviceProfile, LinkProfile, NoiseProfile, Policy } from './cluster.js';
export type { PartitionKind } from './partitions.js';
export { MAX_SIMULATED_TOKENS, simulate, ttftMsByEvents } from './simulate.js';
export type { Simulation, SimulationRequest } from './simulate.js';
export { SIMULATED_STRATEGIES, simulatedStrategyOf } from './strategies.js';
export type { SimulatedStrategy, SimulatedStrategyName } from './strategies.js';
export type { SimulatedRank } from './setup.js';
export { PAPER_CASES } from './paper-cases.js';
export { rowOf, simulatePaper } from './paper.js';
export type { PaperRow } from './paper.js';
export { PAPER_SHAPES } from '../core/published-shapes.js';
export { LINK_10GB, NOISE_SEEDS, NVLINK_300GB, PAPER_A100, PAPER_NOISE } from './paper-profile.js';
