/**
 * The predicted time of a context on given workers, rank by rank, and on one of them alone. Works on costs, so it also answers
 * for hypothetical workers. Pure; called by the plan command and the server.
 */
import { partitionSizes } from '../../core/partition.js';
import type { KvDtype, ModelShape } from '../../core/shape.js';
import { KV_FRAME_BYTES } from '../../link/frame.js';
import {
  chainCosts,
  type DroppedWorker,
  type LinkCost,
  type PartitionTable,
  explainOrder,
  planPartition,
  type PlanRequest,
  type Preference,
  predict,
  type RankLimit,
  type RankPrediction,
  type WorkerCost,
} from '../../plan/index.js';
import { type ChainKnowledge, WorkerCosts } from './worker-costs.js';
import { partitionContext } from './chain-partition.js';
import { type GenerateRequest, requestSchema } from '../options/request.js';
import { parseOptions } from '../options/parse-options.js';

/** A hop through an ordinary switch, user space to user space: the default of hypothetical links. */
export const DEFAULT_WHAT_IF_LATENCY_MS = 0.05;

export type ForecastAsk = {
  readonly contextTokens: number;
  readonly shape: ModelShape;
  readonly knowledge: ChainKnowledge;
  readonly partition: NonNullable<GenerateRequest['partition']>;
  /** Of a planned chain: what is to come soonest, of how many new tokens, and which of the workers decodes. */
  readonly wishes?: Pick<PlanRequest, 'prefer' | 'answerTokens' | 'decodeOn'>;
  /** For the partition p. */
  readonly table?: PartitionTable | undefined;
};

export type ForecastRank = {
  readonly rank: number;
  /** Index into the asked workers. */
  readonly worker: number;
  readonly slice: readonly [start: number, end: number];
  /** From the request's start to the end of this rank's prompt phase. */
  readonly predictedMs: number;
  readonly computeMs: number;
  readonly attentionMs: number;
  readonly waitMs: number;
  readonly sendMs: number;
  readonly limit: RankLimit;
};

export type Forecast = {
  readonly contextTokens: number;
  /** Ranks of the chain. */
  readonly workers: number;
  readonly partition: readonly number[];
  readonly predictedTtftMs: number;
  /** The fastest worker alone. */
  readonly singleTtftMs: number;
  /** singleTtftMs over predictedTtftMs. */
  readonly gain: number;
  readonly ranks: readonly ForecastRank[];
  readonly dropped: readonly DroppedWorker[];
  /** Of a planned chain: what it was chosen by, one further token on its last rank, and why its ranks are in this order. */
  readonly preference?: Preference;
  readonly decodeTokenMs?: number;
  readonly orderReason?: string;
};

/** @throws BAD_INPUT where the context can not be partitioned like that */
export function forecast(ask: ForecastAsk): Forecast {
  const { contextTokens, shape, knowledge } = ask;
  const request = { contextTokens, shape, ...knowledge, ...ask.wishes };
  const plan = planPartition(request);
  const isPlanned = ask.partition === 'auto';
  const { ttftMs, ranks } = isPlanned ? { ttftMs: plan.predictedTtftMs, ranks: plan.ranks } : asked(ask);
  const { singleTtftMs } = plan;
  return {
    contextTokens,
    workers: ranks.length,
    partition: partitionSizes(ranks.map(({ slice }) => slice)),
    predictedTtftMs: ttftMs,
    singleTtftMs,
    gain: singleTtftMs / ttftMs,
    ranks: ranks.map(describe),
    dropped: isPlanned ? plan.dropped : [],
    ...(isPlanned && {
      preference: plan.preference,
      decodeTokenMs: plan.decodeTokenMs,
      orderReason: explainOrder(request, plan),
    }),
  };
}

/** Costs of equal workers joined by equal links, from one that was measured. */
export function replicate(
  { worker, kvDtype }: { readonly worker: WorkerCost; readonly kvDtype: KvDtype },
  workers: number,
  link: Omit<LinkCost, 'frameBytes'>,
): ChainKnowledge {
  return {
    workers: Array.from({ length: workers }, () => worker),
    links: Array.from({ length: workers - 1 }, () => ({ ...link, frameBytes: KV_FRAME_BYTES })),
    kvDtype,
  };
}

/** A partition that was asked for takes the first workers in the given order. */
function asked({ contextTokens, shape, knowledge, partition, table }: ForecastAsk) {
  const request = parseOptions(requestSchema, { partition }, 'partition');
  const workers = knowledge.workers.map((_, index) => `worker-${index}`);
  const costs = new WorkerCosts(workers, knowledge);
  const chosen = partitionContext(request, { contextTokens, workers, shape, costs, table });
  const chain = chainCosts({ contextTokens, shape, ...costs.chain(chosen.workers) });
  const { ttftMs, ranks } = predict(chain, chosen.partition);
  return { ttftMs, ranks: ranks.map((rank) => ({ ...rank, worker: rank.rank })) };
}

/** The first workers and the links between them. */
export function firstOf({ workers, links, kvDtype }: ChainKnowledge, count: number): ChainKnowledge {
  return { workers: workers.slice(0, count), links: links.slice(0, count - 1), kvDtype };
}

function describe(one: RankPrediction & { readonly worker: number }): ForecastRank {
  const { rank, worker, slice, endMs, computeMs, attentionMs, waitMs, sendMs, limit } = one;
  const { start, end } = slice;
  return {
    rank,
    worker,
    slice: [start, end],
    predictedMs: endMs,
    computeMs,
    attentionMs,
    waitMs,
    sendMs,
    limit,
  };
}
