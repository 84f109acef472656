/**
 * The layers of a model as predictions see them: how many see everything before them and how many a window. Times and bytes of
 * a layer are the mean over these. Pure.
 */
import { firstSeen } from '../../core/kv-rows.js';
import { layerSpecs, type ModelShape } from '../../core/shape.js';

export type LayerShare = {
  /** Of all layers. */
  readonly share: number;
  /** Rows that a row sees, its own included; all unless given. */
  readonly windowTokens?: number | undefined;
};

/** Every layer sees everything. */
export const FULL_LAYERS: readonly LayerShare[] = [{ share: 1 }];

export function layerSharesOf(shape: ModelShape): readonly LayerShare[] {
  const counts = new Map<number | undefined, number>();
  for (const { attention } of layerSpecs(shape))
    counts.set(attention.windowTokens, (counts.get(attention.windowTokens) ?? 0) + 1);
  return [...counts].map(([windowTokens, count]) => ({ share: count / shape.layers, windowTokens }));
}

export function meanOver(layers: readonly LayerShare[], of: (layer: LayerShare) => number): number {
  return layers.reduce((sum, layer) => sum + layer.share * of(layer), 0);
}

/** Rows of a slice after `prefixTokens`, each with every row that it sees. */
export function seenPairs({ windowTokens }: LayerShare, tokens: number, prefixTokens: number): number {
  const most = windowTokens ?? Infinity;
  // The first ones see all rows before them, the others a whole window.
  const early = Math.max(0, Math.min(tokens, most - prefixTokens));
  return early * prefixTokens + (early * (early + 1)) / 2 + (early < tokens ? (tokens - early) * most : 0);
}

/** Of rows [0, end), those that a slice from `end` on sees. */
export function seenRows(layer: LayerShare, end: number): number {
  return end - firstSeen({ windowTokens: layer.windowTokens }, end);
}
