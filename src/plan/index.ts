/**
 * Planning: from measured costs to a cut of the context and the workers that take part. Pure.
 *
 * The paper's words and ours: C contextTokens, p ranks, α AttentionCost.pairMs, KVR-E evenCut, KVR-S searchedCut (or
 * searchPartition over measurements), KVR-P lookUpPartition. exactCut and planPartition go past the paper.
 */
export { predict, predictTtftMs } from './predict.js';
export type { ChainCosts, Prediction, PredictedStrategy, RankLimit, RankPrediction } from './predict.js';
export { attentionMs, blockMs, causalPairs, denseAttentionMs, FREE_LINK, transferMs } from './cost-model.js';
export type { AttentionCost, LinkCost, WorkerCost } from './cost-model.js';
export { tableMs } from './cost-table.js';
export type { CostPoint, CostTable } from './cost-table.js';
export { evenCut, exactCut, searchedCut } from './exact-partition.js';
export type { SearchedPartition, SearchEffort } from './exact-partition.js';
export { MAX_EVALUATIONS, searchPartition, searchPartitionSync, searchSteps } from './partition-search.js';
export type { PartitionSearch } from './partition-search.js';
export type { SearchResult } from './grid-search.js';
export { chainCosts, planPartition } from './plan.js';
export type { DroppedWorker, Plan, PlannedRank, PlanRequest } from './plan.js';
export { addTableEntry, emptyTable, lookUpPartition, parsePartitionTable } from './partition-table.js';
export type { PartitionTable, TableEntry } from './partition-table.js';
export { fitWorkerCost, refreshCost } from './calibration.js';
export type { CostSample, FitOptions } from './calibration.js';
export { parseStoredCost, storedCost } from './stored-cost.js';
export type { StoredCost } from './stored-cost.js';
export { dotProductsPerRank, kvEntriesMoved } from './worked-example.js';
