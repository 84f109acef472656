/**
 * The costs of a chain of some of the workers, in any order. Pure.
 */
import type { ChainCosts } from './chain-costs.js';
import type { LinkCost, WorkerCost } from './cost-model.js';

/** @param chain indices into the given workers, in rank order */
export function costsOf(costs: ChainCosts, chain: readonly number[]): ChainCosts {
  const workers = chain.map((index) => costs.workers[index] as WorkerCost);
  const links = chain.slice(1).map((to, rank) => linkBetween(costs.links, chain[rank] as number, to));
  return { ...costs, workers, links };
}

/**
 * The way from one worker to another, past those between them: as slow as the slowest link that it spans. Links are taken to be
 * alike both ways, as everywhere in this project: each is measured one way only.
 */
export function linkBetween(links: readonly LinkCost[], from: number, to: number): LinkCost {
  const spanned = links.slice(Math.min(from, to), Math.max(from, to));
  return spanned.reduce((slow, link) => ({
    latencyMs: Math.max(slow.latencyMs, link.latencyMs),
    bytesPerS: Math.min(slow.bytesPerS, link.bytesPerS),
    frameBytes: Math.max(slow.frameBytes, link.frameBytes),
  }));
}
