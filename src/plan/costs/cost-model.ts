/**
 * What one worker and one link cost: the model every plan is made on. Pure; all times are milliseconds.
 * Knows no partition: rank-work.ts adds these up for a slice. Filled by calibration.ts.
 *
 * Paper symbols: C is contextTokens, p is the number of ranks, α is `pairMs` (one query against one key), the
 * TTFT*(p) = α·C²/2·(1/p + 1/p²) of the paper is the attention part alone. The costs of blocks and links are ours.
 */
import type { CostTable } from './cost-table.js';
import { tableMs } from './cost-table.js';

/** attention(S after P) = fixedMs + tokenMs·S + prefixTokenMs·(P+S) + pairMs·(S·P + S·(S+1)/2). */
export type AttentionCost = {
  /** One call. */
  readonly fixedMs: number;
  /** One query row, whatever it attends to. */
  readonly tokenMs: number;
  /** One cached row, however many queries read it: copying or streaming K and V once. */
  readonly prefixTokenMs: number;
  /** One query against one key (all heads): the paper's α. */
  readonly pairMs: number;
};

/** A worker's times for one model, dtype and thread count. */
export type WorkerCost = {
  /** Products between two attentions (output projection, MLP, next norm, next Q,K,V) for S rows of one layer. */
  readonly block: CostTable;
  /** Part of a block that is norm and Q,K,V: all that the first block does, and what the tail leaves out. */
  readonly firstBlockShare: number;
  readonly attention: AttentionCost;
  /** Fixed cost of one chunk of one layer outside the kernels: the loop, publishing, writing the cache. */
  readonly callMs: number;
  /** Embedding of one token. */
  readonly embedTokenMs: number;
  /** Final norm and head for one row. */
  readonly headMs: number;
  /** Rows a rank takes through attention and block at once; K and V of a chunk go out when its block is done. */
  readonly chunkTokens: number;
  /** Multiplies every time but attention's: 1 as calibrated, above 1 for a machine that has become slower (refreshCost). */
  readonly scale: number;
  /** The same for attention, which meets other limits: attention reads the cache, blocks read the weights. */
  readonly attentionScale: number;
};

/** The way from one rank to the next. */
export type LinkCost = {
  readonly latencyMs: number;
  /** Bytes a second; Infinity is a free link. */
  readonly bytesPerS: number;
  /** A relay forwards a piece of this size as soon as it is in. */
  readonly frameBytes: number;
};

/** A link that costs nothing. */
export const FREE_LINK: LinkCost = { latencyMs: 0, bytesPerS: Infinity, frameBytes: 1 };

/** One query row against one key, counted for S rows after P: S·P, and the lower half of the square that the rows make with their own keys. */
export function causalPairs(tokens: number, prefixTokens: number): number {
  return tokens * prefixTokens + (tokens * (tokens + 1)) / 2;
}

/** One block for `tokens` rows of one layer, in one call. */
export function blockMs(worker: WorkerCost, tokens: number): number {
  return worker.scale * tableMs(worker.block, tokens);
}

/** Attention of one call: `tokens` rows after `prefixTokens`, none of which sees a later one. */
export function attentionMs(worker: WorkerCost, tokens: number, prefixTokens: number): number {
  const { fixedMs, tokenMs, prefixTokenMs, pairMs } = worker.attention;
  const rows = fixedMs + tokenMs * tokens + prefixTokenMs * (prefixTokens + tokens);
  return worker.attentionScale * (rows + pairMs * causalPairs(tokens, prefixTokens));
}

/** Serialization of `bytes` on a link, without its latency. */
export function transferMs(link: LinkCost, bytes: number): number {
  return (1000 * bytes) / link.bytesPerS;
}
