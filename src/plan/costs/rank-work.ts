/**
 * A rank's compute for its slice, added up from the worker's cost: closed forms, so that a search can ask often.
 * Pure. Knows no other rank and no link; predict.ts strings these together.
 *
 * A slice runs in chunks: per layer, each chunk attends and then goes through the next block. Ranks before the last
 * stop after K,V of the last layer; the last rank does that layer for the final row only, then the head.
 */
import type { Masking } from '../../core/strategy.js';
import { type ChunkLengths, chunkLengths } from '../../core/chunks/chunk-lengths.js';
import type { WorkerCost } from './cost-model.js';
import { attentionMs, blockMs } from './cost-model.js';
import { FULL_LAYERS, type LayerShare, meanOver, seenPairs, seenRows } from './layer-shares.js';

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
  /** FULL_LAYERS unless given. */
  readonly layerShares?: readonly LayerShare[] | undefined;
};

export function rankWork(worker: WorkerCost, ask: SliceAsk): RankWork {
  const chunks = chunkLengths(ask.tokens, worker.chunkTokens);
  const chunk = chunks.baseTokens + (chunks.longer > 0 ? 1 : 0);
  const attention = sliceAttentionMs(worker, ask, chunks);
  const firstAttention = sliceAttentionMs(worker, { ...ask, tokens: chunk }, oneChunk(chunk));
  return {
    firstMs: sliceFirstBlockMs(worker, chunks, ask.tokens),
    firstEarlyMs: sliceFirstBlockMs(worker, oneChunk(chunk), chunk),
    layerMs: attention + sliceBlockMs(worker, chunks),
    layerEarlyMs: Math.min(firstAttention, attention) + sliceBlockMs(worker, oneChunk(chunk)),
    attentionMs: attention,
    ...bytesOf(ask, chunks),
  };
}

/** Of a layer with a window the next rank needs what the first row after the slice sees. */
function bytesOf(
  { tokens, prefixTokens, relayedTokens, kvBytes, layerShares = FULL_LAYERS }: SliceAsk,
  chunks: ChunkLengths,
): Pick<RankWork, 'ownBytes' | 'lastChunkBytes' | 'relayBytes'> {
  const needed = (layer: LayerShare): number => seenRows(layer, prefixTokens + tokens);
  const mean = (of: (layer: LayerShare) => number): number => kvBytes * meanOver(layerShares, of);
  return {
    ownBytes: mean((layer) => Math.min(tokens, needed(layer))),
    lastChunkBytes: mean((layer) => Math.min(chunks.baseTokens, needed(layer))),
    relayBytes: mean((layer) => Math.min(relayedTokens, Math.max(0, needed(layer) - tokens))),
  };
}

/** RankWork.firstMs of a slice, for searches that ask a million times. */
export function firstLayerMs(worker: WorkerCost, tokens: number): number {
  return sliceFirstBlockMs(worker, chunkLengths(tokens, worker.chunkTokens), tokens);
}

/** RankWork.layerMs of a slice after `prefixTokens`, masked. */
export function laterLayerMs(
  worker: WorkerCost,
  tokens: number,
  prefixTokens: number,
  layerShares: readonly LayerShare[] = FULL_LAYERS,
): number {
  const chunks = chunkLengths(tokens, worker.chunkTokens);
  return (
    causalAttentionMs(worker, chunks, { tokens, prefixTokens, layerShares }) + sliceBlockMs(worker, chunks)
  );
}

/** One row through the last layer after the whole context, and the head. */
export function tailWork(
  worker: WorkerCost,
  contextTokens: number,
  layerShares: readonly LayerShare[] = FULL_LAYERS,
): TailWork {
  const attention = meanOver(layerShares, (layer) =>
    attentionMs(worker, 1, seenRows(layer, contextTokens - 1)),
  );
  const rest = (1 - worker.firstBlockShare) * blockMs(worker, 1);
  return {
    tailMs: attention + rest + worker.scale * (worker.callMs + worker.headMs),
    attentionMs: attention,
  };
}

function oneChunk(tokens: number): ChunkLengths {
  return { count: 1, baseTokens: tokens, longer: 0 };
}

/** All chunks of one layer through one block, with the fixed cost of each chunk. */
function sliceBlockMs(worker: WorkerCost, chunks: ChunkLengths): number {
  return productsMs(worker, chunks) + chunks.count * worker.scale * worker.callMs;
}

function productsMs(worker: WorkerCost, { count, baseTokens, longer }: ChunkLengths): number {
  const base = (count - longer) * blockMs(worker, baseTokens);
  return longer > 0 ? base + longer * blockMs(worker, baseTokens + 1) : base;
}

function sliceFirstBlockMs(worker: WorkerCost, chunks: ChunkLengths, tokens: number): number {
  const products = worker.firstBlockShare * productsMs(worker, chunks);
  return products + worker.scale * (chunks.count * worker.callMs + worker.embedTokenMs * tokens);
}

/** Sum of attentionMs over the chunks. Pairs add up to the same whatever the chunks; rows read again do not. */
function sliceAttentionMs(worker: WorkerCost, ask: SliceAsk, chunks: ChunkLengths): number {
  const { tokens, prefixTokens, contextTokens } = ask;
  const { layerShares = FULL_LAYERS } = ask;
  if (ask.masking === 'causal')
    return causalAttentionMs(worker, chunks, { tokens, prefixTokens, layerShares });
  return chunksAttentionMs(worker, chunks, tokens, chunks.count * contextTokens, tokens * contextTokens);
}

type CausalAsk = {
  readonly tokens: number;
  readonly prefixTokens: number;
  readonly layerShares: readonly LayerShare[];
};

function causalAttentionMs(
  worker: WorkerCost,
  chunks: ChunkLengths,
  { tokens, prefixTokens, layerShares }: CausalAsk,
): number {
  const wholeRowsRead = chunks.count * prefixTokens + chunkEnds(chunks);
  return meanOver(layerShares, (layer) => {
    const inWindows = chunks.count * ((layer.windowTokens ?? Infinity) + chunks.baseTokens);
    const pairs = seenPairs(layer, tokens, prefixTokens);
    return chunksAttentionMs(worker, chunks, tokens, Math.min(wholeRowsRead, inWindows), pairs);
  });
}

function chunksAttentionMs(
  worker: WorkerCost,
  { count }: ChunkLengths,
  tokens: number,
  rowsRead: number,
  pairs: number,
): number {
  const { fixedMs, tokenMs, prefixTokenMs, pairMs } = worker.attention;
  const rows = count * fixedMs + tokenMs * tokens + prefixTokenMs * rowsRead;
  return worker.attentionScale * (rows + pairMs * pairs);
}

/** Sum of the chunks' ends within the slice: each chunk reads the rows up to its end. */
function chunkEnds({ count, baseTokens, longer }: ChunkLengths): number {
  return (baseTokens * count * (count + 1)) / 2 + (longer * (longer + 1)) / 2 + (count - longer) * longer;
}
