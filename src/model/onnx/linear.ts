/**
 * y = x·Wᵀ + b as nodes, in the element type the model is compiled for. The only place that knows how a dtype's
 * weights lie in the file; blocks.ts asks for a linear layer and gets a value's name back.
 */
import type { LinearWeights, NormWeights, WeightMatrix } from '../../core/checkpoint.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import type { GraphBuilder } from './graph-builder.js';
import { asBytes, readTransposed, type WeightFile } from './weight-file.js';

/** Where a graph's nodes and weights go while it is written. */
export type GraphTarget = {
  readonly shape: ModelShape;
  readonly dtype: Dtype;
  readonly graph: GraphBuilder;
  readonly weights: WeightFile;
};

/** Adds x [1, rows, in] → [1, rows, out]. */
export async function addLinear(
  target: GraphTarget,
  name: string,
  x: string,
  linear: LinearWeights,
): Promise<string> {
  const product = await addMatMul(target, name, x, linear.weight);
  if (!linear.bias) return product;
  return target.graph.node('Add', [product, await addVector(target, `${name}.bias`, linear.bias)]);
}

async function addMatMul(
  target: GraphTarget,
  name: string,
  x: string,
  weight: WeightMatrix,
): Promise<string> {
  const { graph, weights } = target;
  const transposed = await readTransposed(weight);
  const dims = [weight.columns, weight.rows];
  const w = graph.initializer(await weights.append(`${name}.weight`, 'f32', dims, asBytes(transposed)));
  return graph.node('MatMul', [x, w]);
}

/** A vector [1, n] of the checkpoint as an initializer [n]. */
export async function addVector(target: GraphTarget, name: string, vector: WeightMatrix): Promise<string> {
  return target.graph.initializer(await target.weights.appendMatrix(name, vector, [vector.columns]));
}

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
