/**
 * Planning: from measured costs to a cut of the context and the workers that take part. Pure.
 *
 * The paper's words and ours: C contextTokens, p ranks, α AttentionCost.pairMs, KVR-E evenSplit, KVR-S searchedPartition (or
 * searchPartition over measurements), KVR-P lookUpPartition. exactPartition and planPartition go past the paper.
 */
export { predict, predictTtftMs } from './predict/predict.js';
export type { ChainCosts } from './costs/chain-costs.js';
export type { Prediction, RankLimit, RankPrediction } from './predict/predict.js';
export {
  attentionMs,
  blockMs,
  causalPairs,
  denseAttentionMs,
  FREE_LINK,
  transferMs,
} from './costs/cost-model.js';
export type { AttentionCost, LinkCost, WorkerCost } from './costs/cost-model.js';
export { tableMs } from './costs/cost-table.js';
export type { CostPoint, CostTable } from './costs/cost-table.js';
export { evenSplit, exactPartition, searchedPartition } from './search/exact-partition.js';
export type { SearchedPartition, SearchEffort } from './search/exact-partition.js';
export {
  MAX_EVALUATIONS,
  searchPartition,
  searchPartitionSync,
  searchSteps,
} from './search/partition-search.js';
export type { PartitionSearch } from './search/partition-search.js';
export type { SearchResult } from './search/grid-search.js';
export { linkBetween } from './chain-choice.js';
export { chainCosts, planPartition } from './plan.js';
export type { DroppedWorker, Plan, PlannedRank, PlanRequest } from './plan.js';
export { addTableEntry, emptyTable, lookUpPartition, parsePartitionTable } from './search/partition-table.js';
export type { PartitionTable, TableEntry } from './search/partition-table.js';
export { fitWorkerCost, refreshCost } from './costs/calibration.js';
export type { CostSample, FitOptions } from './costs/calibration.js';
export { parseStoredCost, storedCost } from './costs/stored-cost.js';
export type { StoredCost } from './costs/stored-cost.js';
export { dotProductsPerRank, kvEntriesMoved } from './worked-example.js';
