/**
 * What one further token costs on the worker that decodes. Derived from what is measured for the prompt phase, which includes
 * blocks, attention and head of a single row: nothing is measured for it alone. Pure.
 */
import type { ChainCosts } from './chain-costs.js';
import type { WorkerCost } from './cost-model.js';
import { firstLayerMs, laterLayerMs, tailWork } from './rank-work.js';

/** Milliseconds of one row through all layers and the head, after so many tokens. */
export function decodeTokenMs(
  worker: WorkerCost,
  { layers, layerShares }: Pick<ChainCosts, 'layers' | 'layerShares'>,
  prefixTokens: number,
): number {
  const later = laterLayerMs(worker, 1, prefixTokens, layerShares);
  return (
    firstLayerMs(worker, 1) + (layers - 1) * later + tailWork(worker, prefixTokens + 1, layerShares).tailMs
  );
}
