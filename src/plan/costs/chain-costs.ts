/**
 * The costs of one chain for one prompt: what predictions and searches work on.
 */
import type { LinkCost, WorkerCost } from './cost-model.js';
import type { LayerShare } from './layer-shares.js';

/** Everything a prediction needs beside the partition. */
export type ChainCosts = {
  /** The prompt, cached tokens included: the paper's C. */
  readonly contextTokens: number;
  /** Tokens at the front whose K,V every rank already holds. Partitions count from the first token after them. */
  readonly cachedTokens: number;
  /** Only rank 0 holds them; over every link they travel like rows that are relayed. False unless given. */
  readonly isCachedAtFirst?: boolean;
  /** In rank order; the last one used decodes. At least as many as slices. */
  readonly workers: readonly WorkerCost[];
  /** links[i] joins rank i to rank i+1. */
  readonly links: readonly LinkCost[];
  readonly layers: number;
  /** FULL_LAYERS unless given. */
  readonly layerShares?: readonly LayerShare[];
  /** Bytes of K and V of one token of one layer. */
  readonly kvBytes: number;
};
