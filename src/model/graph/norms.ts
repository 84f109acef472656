/**
 * Norms as nodes, alone or fused with the residual that comes before.
 */
import type { NormWeights } from '../../core/checkpoint.js';
import { addVector, type GraphTarget } from './graph-target.js';

/** Adds norm(x). */
export async function addNorm(
  target: GraphTarget,
  name: string,
  x: string,
  norm: NormWeights,
): Promise<string> {
  const inputs = [x, ...(await addNormWeights(target, name, norm))];
  const attributes = { axis: -1, epsilon: { float: target.shape.normEpsilon } };
  const op = target.shape.norm === 'rms' ? 'SimplifiedLayerNormalization' : 'LayerNormalization';
  return target.graph.node(op, inputs, { attributes });
}

/** Adds sum = x + residual and normed = norm(sum) as one fused node. */
export async function addResidualNorm(
  target: GraphTarget,
  name: string,
  x: string,
  residual: string,
  norm: NormWeights,
): Promise<{ normed: string; sum: string }> {
  const inputs = [x, residual, ...(await addNormWeights(target, name, norm))];
  const op = target.shape.norm === 'rms' ? 'SkipSimplifiedLayerNormalization' : 'SkipLayerNormalization';
  const outputs = [`${name}.normed`, '', '', `${name}.sum`];
  const attributes = { epsilon: { float: target.shape.normEpsilon } };
  target.graph.node(op, inputs, { domain: 'com.microsoft', attributes, outputs });
  return { normed: `${name}.normed`, sum: `${name}.sum` };
}

async function addNormWeights(target: GraphTarget, name: string, norm: NormWeights): Promise<string[]> {
  const weight = await addVector(target, `${name}.weight`, norm.weight);
  return norm.bias ? [weight, await addVector(target, `${name}.bias`, norm.bias)] : [weight];
}
