/**
 * How many weights of a layer a row is multiplied with: what products cost, whatever the element type. Pure.
 */
import { type LayerSpec, mlpMatrices } from './layers/layer-spec.js';
import type { ModelShape } from './shape.js';

/** Of Q, K and V. */
export function projectionWeights({ hidden, heads, kvHeads, headDim }: ModelShape): number {
  return hidden * headDim * (heads + 2 * kvHeads);
}

export function outputWeights({ hidden, heads, headDim }: ModelShape): number {
  return hidden * headDim * heads;
}

/** Of the MLP; where it has experts, of those that a row goes through, and of the router. */
export function mlpWeights({ hidden, feedForward }: ModelShape, { mlp }: LayerSpec): number {
  if (mlp.kind !== 'experts') return mlpMatrices(mlp) * hidden * feedForward;
  return mlp.chosen * mlpMatrices(mlp) * hidden * mlp.feedForward + mlp.count * hidden;
}

/** The mean over the layers of a model. */
export function meanOverLayers({ layers, specs }: ModelShape, of: (spec: LayerSpec) => number): number {
  let sum = 0;
  for (let layer = 0; layer < layers; layer++) sum += of(specs[layer % specs.length] as LayerSpec);
  return sum / layers;
}
