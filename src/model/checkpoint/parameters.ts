/**
 * Counts the weights of a checkpoint from its matrices' sizes. Reads no weights.
 */
import type { Checkpoint, LayerWeights, LinearWeights, NormWeights } from '../../core/checkpoint.js';

type Parts = Pick<Checkpoint, 'shape' | 'embedding' | 'finalNorm' | 'head' | 'layer'>;

/** @returns elements of all weights and biases; a tied head counts once. */
export function countParameters(parts: Parts): number {
  let parameters = parts.embedding.rows * parts.embedding.columns + sizeOf(parts.finalNorm);
  if (!parts.shape.tiedHead) parameters += sizeOf(parts.head);
  for (let index = 0; index < parts.shape.layers; index++) parameters += layerSize(parts.layer(index));
  return parameters;
}

function layerSize({ mlp, sinks, ...linears }: LayerWeights): number {
  const own = [...Object.values(linears), ...mlpLinears(mlp)];
  return own.reduce((sum, weights) => sum + sizeOf(weights), sinks?.columns ?? 0);
}

function mlpLinears(mlp: LayerWeights['mlp']): LinearWeights[] {
  if (mlp.kind === 'experts') return [mlp.router, ...mlp.experts.flatMap((expert) => Object.values(expert))];
  return [mlp.up, mlp.down, ...(mlp.gate ? [mlp.gate] : [])];
}

function sizeOf({ weight, bias }: LinearWeights | NormWeights): number {
  return weight.rows * weight.columns + (bias === undefined ? 0 : bias.rows * bias.columns);
}
