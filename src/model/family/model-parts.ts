/**
 * What an architecture makes of a config and tensors.
 */
import type { LayerWeights, LinearWeights, NormWeights, WeightMatrix } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';

export type ModelParts = {
  readonly shape: ModelShape;
  readonly embedding: WeightMatrix;
  readonly finalNorm: NormWeights;
  readonly head: LinearWeights;
  /** One entry a layer, every tensor found and of the right shape. */
  readonly layers: readonly LayerWeights[];
};
