/**
 * A rank's compute for its slice, added up from the worker's cost: closed forms, so that a search can ask often.
 * Pure. Knows no other rank and no link; predict.ts strings these together.
 *
 * A slice runs in chunks: per layer, each chunk attends and then goes through the next block. Ranks before the last
 * stop after K,V of the last layer; the last rank does that layer for the final row only, then the head.
 */
import { evenCut } from '../core/even-cut.js';
import type { WorkerCost } from './cost-model.js';
import { attentionMs, blockMs, causalPairs } from './cost-model.js';

/** Milliseconds and bytes of one rank. */
export type RankWork = {
  /** Embedding, norm and Q,K,V of layer 0: until the whole slice is published, and until its first chunk is. */
  readonly firstMs: number;
  readonly firstEarlyMs: number;
  /** One later layer, attention and next block: until the whole slice is published, and until its first chunk is. */
  readonly layerMs: number;
  readonly layerEarlyMs: number;
  /** The part of layerMs that is attention. */
  readonly attentionMs: number;
  /** Own K,V of one layer: the slice, and its last chunk, which leaves only when the layer is done. */
  readonly ownBytes: number;
  readonly lastChunkBytes: number;
  /** K,V of one layer that earlier ranks made and this rank relays. */
  readonly relayBytes: number;
};

/** The last rank's end: last layer for the final row, head. */
export type TailWork = { readonly tailMs: number; readonly attentionMs: number };

/** Which keys a row is multiplied with: those up to itself, or (dense TSP) all and the mask comes after. */
export type Masking = 'causal' | 'dense';

export type SliceAsk = {
  readonly tokens: number;
  /** All tokens before the slice, cached ones too. */
  readonly prefixTokens: number;
  /** The part of prefixTokens that came over a link, not out of a cache. */
  readonly relayedTokens: number;
  readonly contextTokens: number;
  /** K and V of one token of one layer. */
  readonly kvBytes: number;
  readonly masking: Masking;
};

export function rankWork(worker: WorkerCost, ask: SliceAsk): RankWork {
  const { baseTokens, longer } = evenCut(ask.tokens, worker.chunkTokens);
  const chunk = baseTokens + (longer > 0 ? 1 : 0);
  const attention = sliceAttentionMs(worker, ask);
  const firstAttention = attentionMs(
    worker,
    chunk,
    ask.masking === 'dense' ? ask.contextTokens : ask.prefixTokens,
  );
  return {
    firstMs: sliceFirstBlockMs(worker, ask.tokens),
    firstEarlyMs: sliceFirstBlockMs(worker, chunk),
    layerMs: attention + sliceBlockMs(worker, ask.tokens),
    layerEarlyMs: Math.min(firstAttention, attention) + sliceBlockMs(worker, chunk),
    attentionMs: attention,
    ownBytes: ask.tokens * ask.kvBytes,
    lastChunkBytes: baseTokens * ask.kvBytes,
    relayBytes: ask.relayedTokens * ask.kvBytes,
  };
}

/** RankWork.firstMs of a slice, for searches that ask a million times. */
export function firstLayerMs(worker: WorkerCost, tokens: number): number {
  return sliceFirstBlockMs(worker, tokens);
}

/** RankWork.layerMs of a slice after `prefixTokens`, masked. */
export function laterLayerMs(worker: WorkerCost, tokens: number, prefixTokens: number): number {
  return causalAttentionMs(worker, tokens, prefixTokens) + sliceBlockMs(worker, tokens);
}

/** One row through the last layer after the whole context, and the head. */
export function tailWork(worker: WorkerCost, contextTokens: number): TailWork {
  const attention = attentionMs(worker, 1, contextTokens - 1);
  const rest = (1 - worker.firstBlockShare) * blockMs(worker, 1);
  return {
    tailMs: attention + rest + worker.scale * (worker.callMs + worker.headMs),
    attentionMs: attention,
  };
}

/** All chunks of one layer through one block, with the fixed cost of each chunk. */
function sliceBlockMs(worker: WorkerCost, tokens: number): number {
  const { count, baseTokens, longer } = evenCut(tokens, worker.chunkTokens);
  const products = (count - longer) * blockMs(worker, baseTokens);
  const longerProducts = longer > 0 ? longer * blockMs(worker, baseTokens + 1) : 0;
  return products + longerProducts + count * worker.scale * worker.callMs;
}

function sliceFirstBlockMs(worker: WorkerCost, tokens: number): number {
  const calls = evenCut(tokens, worker.chunkTokens).count * worker.callMs * worker.scale;
  const products = sliceBlockMs(worker, tokens) - calls;
  return worker.firstBlockShare * products + calls + worker.scale * worker.embedTokenMs * tokens;
}

/** Sum of attentionMs over the chunks. Pairs add up to the same whatever the chunks; rows read again do not. */
function sliceAttentionMs(worker: WorkerCost, ask: SliceAsk): number {
  if (ask.masking === 'causal') return causalAttentionMs(worker, ask.tokens, ask.prefixTokens);
  const chunks = evenCut(ask.tokens, worker.chunkTokens).count;
  return chunksAttentionMs(worker, ask.tokens, chunks * ask.contextTokens, ask.tokens * ask.contextTokens);
}

function causalAttentionMs(worker: WorkerCost, tokens: number, prefixTokens: number): number {
  const chunks = evenCut(tokens, worker.chunkTokens).count;
  const rowsRead = chunks * prefixTokens + chunkEnds(tokens, worker);
  return chunksAttentionMs(worker, tokens, rowsRead, causalPairs(tokens, prefixTokens));
}

function chunksAttentionMs(worker: WorkerCost, tokens: number, rowsRead: number, pairs: number): number {
  const { fixedMs, tokenMs, prefixTokenMs, pairMs } = worker.attention;
  const chunks = evenCut(tokens, worker.chunkTokens).count;
  return worker.scale * (chunks * fixedMs + tokenMs * tokens + prefixTokenMs * rowsRead + pairMs * pairs);
}

/** Sum of the chunks' ends within the slice: each chunk reads the rows up to its end. */
function chunkEnds(tokens: number, worker: WorkerCost): number {
  const { count, baseTokens, longer } = evenCut(tokens, worker.chunkTokens);
  return (baseTokens * count * (count + 1)) / 2 + (longer * (longer + 1)) / 2 + (count - longer) * longer;
}
