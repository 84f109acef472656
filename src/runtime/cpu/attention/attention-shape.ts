/**
 * What the attention of a layer is computed with: the model's heads and the layer's spec.
 */
import type { AttentionSpec } from '../../../core/layers/layer-spec.js';
import type { ModelShape } from '../../../core/shape.js';

type Heads = Pick<ModelShape, 'heads' | 'kvHeads' | 'headDim'>;

export type AttentionShape = Heads & Omit<AttentionSpec, 'rotary' | 'queryKeyNorm'>;

export function attentionShape(
  { heads, kvHeads, headDim }: ModelShape,
  { scale, scoreCap, windowTokens, hasSinks, alibiScale }: AttentionSpec,
): AttentionShape {
  return { heads, kvHeads, headDim, scale, scoreCap, windowTokens, hasSinks, alibiScale };
}
