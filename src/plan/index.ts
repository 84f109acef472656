/**
 * Planning, importable as `kv-runahead/plan`: from what workers and links cost to the workers that take part, their order,
 * their slices of the context and the time it will take. Pure: no Node, no kernels, runs in a browser.
 *
 *     const cost = fitWorkerCost(samples, { chunkTokens: 512, firstBlockShare: 0.25 });
 *     const plan = planPartition({ contextTokens: 16_384, workers: [cost, cost], links: [link], shape });
 *     partitionSizes(plan.partition); // tokens of each rank, in chain order
 *
 * The paper's words and ours: C contextTokens, p ranks, α AttentionCost.pairMs, KVR-E evenPartition, KVR-S searchedPartition (or
 * searchPartition over measurements), KVR-P lookUpPartition. exactPartition and planPartition go past the paper.
 */

// What goes in and comes out: models, partitions, errors.
export { KvrError, type KvrErrorCode } from '../core/errors.js';
export { evenPartition, MAX_RANKS, partitionFromSizes, partitionSizes } from '../core/partition.js';
export type { Partition, Slice } from '../core/partition.js';
export { modelShapeSchema } from '../core/shape.js';
export type { KvDtype, ModelShape } from '../core/shape.js';
export { STRATEGIES, strategyOf } from '../core/strategy.js';
export type { Strategy, StrategyName } from '../core/strategy.js';

// The plan of a request.
export { chainCosts, planPartition } from './plan.js';
export { explainOrder } from './order-reason.js';
export { PREFERENCES, preferenceOf } from './order/aim.js';
export type { Orders, Preference } from './order/aim.js';
export type { DroppedWorker, Plan, PlannedRank, PlanRequest } from './plan.js';

// What workers and links cost: measured, kept, moved along by real requests.
export { fitWorkerCost, refreshCost } from './costs/calibration.js';
export type { CostSample, FitOptions, RefreshOptions } from './costs/calibration.js';
export { parseStoredCost, storedCost } from './costs/stored-cost.js';
export type { StoredCost } from './costs/stored-cost.js';
export { attentionMs, blockMs, causalPairs, FREE_LINK, transferMs } from './costs/cost-model.js';
export type { AttentionCost, LinkCost, WorkerCost } from './costs/cost-model.js';
export { tableMs } from './costs/cost-table.js';
export type { CostPoint, CostTable } from './costs/cost-table.js';
export type { ChainCosts } from './costs/chain-costs.js';
export { decodeTokenMs } from './costs/decode-cost.js';
export { linkBetween } from './costs/sub-chain.js';

// The time of a given partition, under any strategy.
export { predict, predictTtftMs } from './predict/predict.js';
export type { Prediction, RankLimit, RankPrediction } from './predict/predict.js';

// Partitions: balanced, searched over costs or over measurements, looked up.
export { exactPartition, searchedPartition } from './search/exact-partition.js';
export type { SearchedPartition, SearchEffort } from './search/exact-partition.js';
export {
  MAX_EVALUATIONS,
  searchPartition,
  searchPartitionSync,
  searchSteps,
} from './search/partition-search.js';
export type { PartitionSearch } from './search/partition-search.js';
export type { SearchResult } from './search/grid-search.js';
export { addTableEntry, emptyTable, lookUpPartition, parsePartitionTable } from './search/partition-table.js';
export type { PartitionTable, TableEntry } from './search/partition-table.js';

// The paper's counts, exact.
export { dotProductsPerRank, kvEntriesMoved } from './worked-example.js';
