/**
 * What a backend's rows are compared with: the plain f64 pass of test/reference, layer by layer.
 */
import { applyBlock, type LayerCache, loadBlock, type Rounding } from '../../../../test/reference/block.js';
import { normalize } from '../../../../test/reference/functions.js';
import { applyLinear, loadLinear, loadMatrix, loadNorm, rowOf } from '../../../../test/reference/matrix.js';
import type { Checkpoint } from '../../../core/checkpoint.js';

export type ReferencePass = {
  /** For every layer keys and values as the cache holds them, [kvHeads·D] a token. */
  readonly layers: readonly Pick<LayerCache, 'keys' | 'values'>[];
  /** After the final norm, [hidden] a token. */
  readonly normed: readonly Float64Array[];
  /** After every token, [vocabulary]. */
  readonly logits: readonly Float64Array[];
};

/** @param round of keys and values, before anything attends to them */
export async function referencePass(
  checkpoint: Checkpoint,
  ids: readonly number[],
  round: Rounding,
): Promise<ReferencePass> {
  const { shape } = checkpoint;
  const embedding = await loadMatrix(checkpoint.embedding);
  const [norm, head] = [await loadNorm(checkpoint.finalNorm), await loadLinear(checkpoint.head)];
  const blocks = await Promise.all(
    Array.from({ length: shape.layers }, (_, layer) => loadBlock(shape, layer, checkpoint.layer(layer))),
  );
  const layers = blocks.map((): LayerCache => ({ keys: [], values: [], round, promptTokens: ids.length }));
  const normed = ids.map((id) => {
    let hidden: Float64Array = rowOf(embedding, id);
    for (const [layer, block] of blocks.entries())
      hidden = applyBlock(shape, block, layers[layer] as LayerCache, hidden);
    return normalize(shape, norm, hidden);
  });
  return { layers, normed, logits: normed.map((row) => applyLinear(head, row)) };
}
