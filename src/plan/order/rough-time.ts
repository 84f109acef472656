/**
 * What chains are compared by before their partition is polished. Pure.
 */
import { type Partition, partitionFromSizes } from '../../core/partition.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { costsOf } from '../costs/sub-chain.js';
import { predictTtftMs } from '../predict/predict.js';
import { balancedSizes } from '../search/water-fill.js';
import { type Field, timeOf } from './field.js';

/** Time to the first token with the balanced partition. */
export function roughTtftMs(costs: ChainCosts, chain: readonly number[]): number {
  const own = costsOf(costs, chain);
  const sizes = balancedSizes(own, chain.length);
  return predictTtftMs(own, partitionFromSizes(sizes, costs.contextTokens - costs.cachedTokens));
}

/** As roughTtftMs, or until the last token where the aim weighs that. */
export function roughTimeMs(field: Field, chain: readonly number[]): number {
  return timeOf(field, chain, roughTtftMs(field.costs, chain));
}

/** With slices as given, made to add up. @param sizes at most as many as there are new tokens */
export function timeWithMs(field: Field, chain: readonly number[], sizes: readonly number[]): number {
  const partition = scaled(sizes, field.newTokens);
  return timeOf(field, chain, predictTtftMs(costsOf(field.costs, chain), partition));
}

function scaled(sizes: readonly number[], tokens: number): Partition {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const result: number[] = [];
  let [given, left] = [0, tokens];
  for (const [rank, size] of sizes.entries()) {
    given += size;
    const others = sizes.length - 1 - rank;
    const share = Math.round((tokens * given) / all) - (tokens - left);
    result.push(others === 0 ? left : Math.max(1, Math.min(share, left - others)));
    left -= result[rank] as number;
  }
  return partitionFromSizes(result, tokens);
}
