/**
 * Which rows a rank's KV-cache must hold for a request: what a worker allocates, an engine reckons with and links carry. A
 * layer with a window needs of the rows before a slice only those that the slice's first row sees, and of all that come
 * after them no more than a window's at once. Pure.
 */
import type { AttentionSpec } from './layers/layer-spec.js';
import { contextTokensOf, sliceAt } from './partition.js';
import { answerTokens, type RequestSpec } from './request.js';
import { type KvDtype, kvRowBytes, layerSpecs, type ModelShape } from './shape.js';
import { strategyOf } from './strategy.js';

export type RankShare = {
  readonly spec: Pick<RequestSpec, 'strategy' | 'maxTokens' | 'pooling'>;
  /** Slice sizes in rank order. */
  readonly partition: readonly number[];
  readonly rank: number;
};

/** The end of a rank's rows: its prompt rows, and on the last rank the answer's too. */
export function kvRows({ spec, partition, rank }: RankShare): number {
  const contextTokens = contextTokensOf(partition);
  if (rank === partition.length - 1) return contextTokens + answerTokens(spec);
  return isGathered(spec) ? contextTokens : sliceAt(partition, rank).end;
}

/** Whether any layer sees a window only. */
export function hasWindows({ specs }: Pick<ModelShape, 'specs'>): boolean {
  return specs.some(({ attention }) => attention.windowTokens !== undefined);
}

/** The first row that the row at a position sees. */
export function firstSeen({ windowTokens }: Pick<AttentionSpec, 'windowTokens'>, position: number): number {
  return windowTokens === undefined ? 0 : Math.max(0, position + 1 - windowTokens);
}

/** From where on a rank's layers with a window need rows: its slice's start, less the window. An all-gather has all rows. */
export function kvStart({ spec, partition, rank }: RankShare): number {
  return isGathered(spec) ? 0 : sliceAt(partition, rank).start;
}

/** Whether a rank's layers with a window keep only a window's rows. An all-gather multiplies with the whole context. */
export function keepsWindows({ spec }: Pick<RankShare, 'spec'>): boolean {
  return !isGathered(spec);
}

/**
 * Kernels take rows that see a window in tiles of so many at most, and multiply each with all rows that its tile sees: so many
 * before a window are read and masked. Whatever lies there, memory has to be there.
 */
export const MASKED_ROWS = 128;
/** Older rows go when so many new ones have come, or a quarter of a window where that is more: what stays is moved each time. */
const LEAST_NEW_ROWS = 128;
const NEW_ROWS_OF_WINDOW = 1 / 4;

/** Rows of a layer that a cache of windows holds: those it keeps when it makes room, and the room for new ones. */
export function windowRows(windowTokens: number): { readonly kept: number; readonly fresh: number } {
  const fresh = Math.max(LEAST_NEW_ROWS, Math.ceil(windowTokens * NEW_ROWS_OF_WINDOW));
  return { kept: windowTokens - 1 + MASKED_ROWS, fresh };
}

/** Rows [0, end) of a cache, of which slices from `start` on are computed. */
export type CacheSpan = {
  readonly start: number;
  readonly end: number;
  /** True where layers with a window keep all that the first slice sees and what comes after; false unless given. */
  readonly keepsAll?: boolean;
};

/** Bytes of the rows that a rank holds in all layers. */
export function rankKvBytes(shape: ModelShape, kvDtype: KvDtype, share: RankShare): number {
  const span = { start: kvStart(share), end: kvRows(share), keepsAll: !keepsWindows(share) };
  return kvBytesOf(shape, kvDtype, span);
}

/** Bytes of the rows that a cache holds in all layers. */
export function kvBytesOf(shape: ModelShape, kvDtype: KvDtype, span: CacheSpan): number {
  const rows = layerSpecs(shape).map(({ attention }) => heldRows(attention, span));
  return kvRowBytes(shape, kvDtype) * rows.reduce((sum, count) => sum + count, 0);
}

function heldRows(
  attention: Pick<AttentionSpec, 'windowTokens'>,
  { start, end, keepsAll }: CacheSpan,
): number {
  const seen = end - Math.min(end, firstSeen(attention, start));
  if (attention.windowTokens === undefined || keepsAll) return seen;
  const { kept, fresh } = windowRows(attention.windowTokens);
  return Math.min(seen, kept + fresh);
}

/** Rows of each layer that a rank gets from other ranks. */
export function rowsFromOthers(shape: ModelShape, share: RankShare): number[] {
  const { partition, rank } = share;
  const { start, end } = sliceAt(partition, rank);
  const { topology } = strategyOf(share.spec.strategy);
  return layerSpecs(shape).map(({ attention }) => {
    if (topology === 'none') return 0;
    return topology === 'chain'
      ? start - firstSeen(attention, start)
      : contextTokensOf(partition) - (end - start);
  });
}

function isGathered({ strategy }: RankShare['spec']): boolean {
  return strategyOf(strategy).topology === 'gather';
}
