/**
 * Which rows a rank's KV-cache must hold for a request: what a worker allocates, an engine reckons with and links carry. A
 * layer with a window needs of the rows before a slice only those that the slice's first row sees. Pure.
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

/** The first row that the row at a position sees. */
export function firstSeen({ windowTokens }: Pick<AttentionSpec, 'windowTokens'>, position: number): number {
  return windowTokens === undefined ? 0 : Math.max(0, position + 1 - windowTokens);
}

/** From where on a rank's layers with a window need rows: its slice's start, less the window. An all-gather has all rows. */
export function kvStart({ spec, partition, rank }: RankShare): number {
  return isGathered(spec) ? 0 : sliceAt(partition, rank).start;
}

/** Bytes of the rows that a rank holds in all layers. */
export function rankKvBytes(shape: ModelShape, kvDtype: KvDtype, share: RankShare): number {
  return kvBytesOf(shape, kvDtype, { start: kvStart(share), end: kvRows(share) });
}

/** Bytes of rows [0, end) in all layers, without those that a slice from `start` on does not see. */
export function kvBytesOf(
  shape: ModelShape,
  kvDtype: KvDtype,
  { start, end }: { readonly start: number; readonly end: number },
): number {
  const rows = layerSpecs(shape).map(({ attention }) => end - Math.min(end, firstSeen(attention, start)));
  return kvRowBytes(shape, kvDtype) * rows.reduce((sum, count) => sum + count, 0);
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
