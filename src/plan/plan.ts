/**
 * The plan of a request: which workers, which slices, what it will take, and why a worker was left out.
 * Pure: costs come from calibration.ts. Called by the engine for every request and by the plan command.
 */
import { KvrError } from '../core/errors.js';
import { evenPartition, MAX_RANKS } from '../core/partition.js';
import type { Partition } from '../core/partition.js';
import { kvRowBytes } from '../core/shape.js';
import { layerSharesOf } from './costs/layer-shares.js';
import type { KvDtype, ModelShape } from '../core/shape.js';
import { chooseChain } from './chain-choice.js';
import { MIN_GAIN } from './order/field.js';
import { costsOf } from './costs/sub-chain.js';
import { decodeTokenMs } from './costs/decode-cost.js';
import { type Aim, meanPrefixTokens, type Orders, type Preference, preferenceOf } from './order/aim.js';
import { roughTtftMs } from './order/rough-time.js';
import type { LinkCost, WorkerCost } from './costs/cost-model.js';
import type { SearchEffort } from './search/exact-partition.js';
import { predict, predictTtftMs } from './predict/predict.js';
import type { ChainCosts } from './costs/chain-costs.js';
import type { RankPrediction } from './predict/predict.js';

export type PlanRequest = {
  /** The prompt, cached tokens included. */
  readonly contextTokens: number;
  /** In any order; that of ranks is part of the plan. */
  readonly workers: readonly WorkerCost[];
  /** links[i] joins workers i and i+1. */
  readonly links: readonly LinkCost[];
  readonly shape: ModelShape;
  /** Of the rows on the links; f32 unless given. */
  readonly kvDtype?: KvDtype;
  /** Tokens at the front whose K,V every worker holds already; 0 unless given. */
  readonly cachedTokens?: number;
  /** Only the first worker holds them, and sends them on: see ChainCosts. */
  readonly isCachedAtFirst?: boolean;
  /** 'quick' (the default) plans in milliseconds; 'full' is never behind KVR-S. */
  readonly effort?: SearchEffort;
  /** Tokens that are asked for; 1 unless given. */
  readonly answerTokens?: number;
  /** What is to come soonest; by the request's size unless given, see preferenceOf(). */
  readonly prefer?: Preference | undefined;
  /** Index of the worker that is to be the last rank, which decodes. */
  readonly decodeOn?: number | undefined;
  /** 'any' unless given; 'listed' keeps to the list of workers, up or down. */
  readonly orders?: Orders;
};

export type PlannedRank = RankPrediction & {
  /** Index into the request's workers. */
  readonly worker: number;
};

/** A worker the plan does without. */
export type DroppedWorker = { readonly worker: number; readonly reason: string };

export type Plan = {
  /** In chain order; the last one decodes. Slices count from the first token that is not cached. */
  readonly ranks: readonly PlannedRank[];
  readonly partition: Partition;
  readonly predictedTtftMs: number;
  /** What the chain was chosen by. */
  readonly preference: Preference;
  /** Until the first token or, for a whole answer, until the last one. */
  readonly plannedMs: number;
  /** One further token on the last rank, derived from the costs of the prompt phase. */
  readonly decodeTokenMs: number;
  /** The same context on the fastest of the workers alone. */
  readonly singleTtftMs: number;
  readonly dropped: readonly DroppedWorker[];
};

/** Dropped workers up to this many are tried one by one for their reason; more share one. */
const MAX_REASONS = 8;

/** @throws BAD_INPUT where tokens, workers or links are not what a plan can be made of */
export function planPartition(request: PlanRequest): Plan {
  const costs = chainCosts(request);
  const aim = aimOf(request);
  const chosen = chooseChain(costs, request.effort ?? 'quick', aim);
  const prediction = predict(costsOf(costs, chosen.workers), chosen.partition);
  const last = costs.workers[chosen.workers.at(-1) as number] as WorkerCost;
  const tokenMs = decodeTokenMs(last, costs, meanPrefixTokens(costs, aim));
  return {
    ranks: prediction.ranks.map((rank, index) => ({ ...rank, worker: chosen.workers[index] as number })),
    partition: chosen.partition,
    predictedTtftMs: prediction.ttftMs,
    plannedMs: prediction.ttftMs + aim.decodeTokens * tokenMs,
    preference: aim.decodeTokens > 0 ? 'whole-answer' : 'first-token',
    decodeTokenMs: tokenMs,
    singleTtftMs: singleTtftMs(costs),
    dropped: droppedWorkers(costs, chosen.workers, prediction.ttftMs),
  };
}

/** @throws BAD_INPUT for a worker that is not there, or an answer without tokens */
export function aimOf({ contextTokens, workers, answerTokens = 1, ...rest }: PlanRequest): Aim {
  const { prefer, decodeOn, orders = 'any' } = rest;
  if (decodeOn !== undefined && !(decodeOn in workers)) {
    const words = `worker ${decodeOn} is to decode, but there are ${workers.length}, from 0 on; give one of them`;
    throw new KvrError('BAD_INPUT', words);
  }
  if (!Number.isSafeInteger(answerTokens) || answerTokens < 1) {
    const words = `an answer of ${answerTokens} tokens can not be planned; give a whole number of at least 1`;
    throw new KvrError('BAD_INPUT', words);
  }
  const isWhole = preferenceOf(prefer, contextTokens, answerTokens) === 'whole-answer';
  return { orders, decodeTokens: isWhole ? answerTokens - 1 : 0, decodeOn };
}

/** The costs a request describes. @throws BAD_INPUT as planPartition */
export function chainCosts(request: PlanRequest): ChainCosts {
  const cachedTokens = request.cachedTokens ?? 0;
  const { contextTokens, workers, links, shape } = request;
  checkTokens(contextTokens, cachedTokens);
  checkChain(workers.length, links.length);
  const kvBytes = kvRowBytes(shape, request.kvDtype ?? 'f32');
  const isCachedAtFirst = request.isCachedAtFirst ?? false;
  const layerShares = layerSharesOf(shape);
  const { layers } = shape;
  return { contextTokens, cachedTokens, isCachedAtFirst, workers, links, layers, layerShares, kvBytes };
}

function singleTtftMs(costs: ChainCosts): number {
  const whole = evenPartition(costs.contextTokens - costs.cachedTokens, 1);
  const times = [...new Set(costs.workers)].map((worker) =>
    predictTtftMs({ ...costs, workers: [worker] }, whole),
  );
  return times.reduce((least, ms) => Math.min(least, ms), Infinity);
}

function droppedWorkers(costs: ChainCosts, chosen: readonly number[], ttftMs: number): DroppedWorker[] {
  const used = new Set(chosen);
  const left = costs.workers.map((_, index) => index).filter((index) => !used.has(index));
  const newTokens = costs.contextTokens - costs.cachedTokens;
  const together =
    left.length > MAX_REASONS ? reasonOf(costs, [...chosen, ...left], newTokens, ttftMs) : undefined;
  return left.map((worker) => ({
    worker,
    reason: together ?? reasonOf(costs, [...chosen, worker], newTokens, ttftMs),
  }));
}

function reasonOf(costs: ChainCosts, workers: readonly number[], newTokens: number, ttftMs: number): string {
  if (workers.length > newTokens) return `there are ${newTokens} tokens for ${workers.length} workers`;
  const withMs = roughTtftMs(
    costs,
    [...workers].sort((a, b) => a - b),
  );
  const times = `the first token would take ${withMs.toFixed(1)} ms with ${workers.length} workers, ${ttftMs.toFixed(1)} ms without`;
  return withMs < ttftMs ? `${times}: less than ${100 * MIN_GAIN} % saved` : times;
}

function checkTokens(contextTokens: number, cachedTokens: number): void {
  if (!Number.isSafeInteger(contextTokens) || contextTokens < 1) {
    throw new KvrError(
      'BAD_INPUT',
      `a context of ${contextTokens} tokens can not be planned; give a whole number of at least 1`,
    );
  }
  if (Number.isSafeInteger(cachedTokens) && cachedTokens >= 0 && cachedTokens < contextTokens) return;
  throw new KvrError(
    'BAD_INPUT',
    `${cachedTokens} cached tokens of ${contextTokens} leave nothing to compute; at least the last token must be new`,
  );
}

function checkChain(workers: number, links: number): void {
  if (workers < 1 || workers > MAX_RANKS) {
    throw new KvrError('BAD_INPUT', `${workers} workers can not be planned for; give 1 to ${MAX_RANKS}`);
  }
  if (links >= workers - 1) return;
  throw new KvrError(
    'BAD_INPUT',
    `${workers} workers need ${workers - 1} links, but ${links} are given; give one for each pair`,
  );
}
