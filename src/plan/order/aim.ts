/**
 * What a chain is chosen by: the time to the first token, or to the last one of an answer, which the last rank decodes. Pure.
 */
import type { ChainCosts } from '../costs/chain-costs.js';
import type { WorkerCost } from '../costs/cost-model.js';
import { decodeTokenMs } from '../costs/decode-cost.js';

/** What is to come soonest. */
export const PREFERENCES = ['first-token', 'whole-answer'] as const;
export type Preference = (typeof PREFERENCES)[number];

/**
 * 'any': whatever is fastest. 'listed': up or down the given list of workers, for an engine that runs other chains along it at
 * the same time.
 */
export type Orders = 'any' | 'listed';

export type Aim = {
  readonly orders: Orders;
  /** Tokens after the first one that are weighed; 0 where only the first one counts. */
  readonly decodeTokens: number;
  /** The worker that is the last rank, whatever it costs. */
  readonly decodeOn?: number | undefined;
};

/**
 * Without a wish the longer part counts: the whole answer where at least as many tokens are asked for as the prompt has, else
 * the first token.
 */
export function preferenceOf(
  wish: Preference | undefined,
  promptTokens: number,
  answerTokens: number,
): Preference {
  return wish ?? (answerTokens >= promptTokens ? 'whole-answer' : 'first-token');
}

/** Time of an answer after its first token on each worker, as far as the aim weighs it; Infinity on one that may not decode. */
export function decodeTimesMs(costs: ChainCosts, { decodeTokens, decodeOn }: Aim): number[] {
  const prefixTokens = meanPrefixTokens(costs, { decodeTokens });
  return costs.workers.map((worker: WorkerCost, index) => {
    if (decodeOn !== undefined && decodeOn !== index) return Infinity;
    return decodeTokens === 0 ? 0 : decodeTokens * decodeTokenMs(worker, costs, prefixTokens);
  });
}

/** The mean length that the answer's tokens come after. */
export function meanPrefixTokens(
  { contextTokens }: Pick<ChainCosts, 'contextTokens'>,
  { decodeTokens }: Pick<Aim, 'decodeTokens'>,
): number {
  return contextTokens + Math.floor(decodeTokens / 2);
}
