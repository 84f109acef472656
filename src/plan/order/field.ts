/**
 * What is known of workers and links as a whole, made once for a plan. Pure.
 */
import { partitionFromSizes } from '../../core/partition.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { costsOf } from '../costs/sub-chain.js';
import { predictTtftMs } from '../predict/predict.js';
import { type Aim, decodeTimesMs } from './aim.js';

/** A worker or an order that saves less of the time to the first token than this is not taken: workers are left free. */
export const MIN_GAIN = 0.005;

export type Field = {
  readonly costs: ChainCosts;
  readonly aim: Aim;
  readonly newTokens: number;
  /** Workers and links are alike, so that one order is as good as any other. */
  readonly isUniform: boolean;
  readonly equalWorkers: boolean;
  /** Worker 0 holds rows that the others need, so that only it can be the first rank. */
  readonly isFirstFixed: boolean;
  /** Time of the whole context on each worker alone. */
  readonly pacesMs: readonly number[];
  /** Of an answer after its first token, on each worker; Infinity where it may not decode. */
  readonly decodesMs: readonly number[];
};

export function fieldOf(costs: ChainCosts, aim: Aim): Field {
  const newTokens = costs.contextTokens - costs.cachedTokens;
  const alone = partitionFromSizes([newTokens], newTokens);
  const pacesMs = costs.workers.map((_, index) => predictTtftMs(costsOf(costs, [index]), alone));
  const isFirstFixed = costs.isCachedAtFirst === true && costs.cachedTokens > 0;
  const equalWorkers = allEqual(costs.workers);
  const isUniform = equalWorkers && allEqual(costs.links);
  const decodesMs = decodeTimesMs(costs, aim);
  return { costs, aim, newTokens, isUniform, equalWorkers, isFirstFixed, pacesMs, decodesMs };
}

/** What a chain is compared by: until the first token, or until the last one. */
export function timeOf({ decodesMs }: Field, chain: readonly number[], ttftMs: number): number {
  return ttftMs + (decodesMs[chain.at(-1) as number] as number);
}

/** Whether a worker may follow another one in a chain; `before` is what the first one followed. */
export function mayFollow({ aim }: Field, to: number, from: number, before: number | undefined): boolean {
  if (aim.orders === 'any' || before === undefined) return true;
  return from > before === to > from;
}

function allEqual(values: readonly object[]): boolean {
  const first = JSON.stringify(values[0]);
  return values.every((value) => value === values[0] || JSON.stringify(value) === first);
}
