/**
 * Norms as nodes, alone or fused with the residual that comes before.
 */
import type { NormWeights } from '../../core/checkpoint.js';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import { addVector, type GraphTarget, scaled } from './graph-target.js';

/** The residual stream, and what the next layer's part reads: its norm, or the stream itself. */
export type Stream = { readonly hidden: string; readonly normed: string };

/** Adds norm(x) over the last axis. */
export async function addNorm(
  target: GraphTarget,
  name: string,
  x: string,
  norm: NormWeights,
): Promise<string> {
  return addNormOf(target, x, await addNormWeights(target, name, norm));
}

/** Adds norm(x) with weights that are in the graph already: the weight and, where there is one, the bias. */
export function addNormOf(target: GraphTarget, x: string, weights: readonly string[]): string {
  const attributes = { axis: -1, epsilon: { float: target.shape.normEpsilon } };
  const op = target.shape.norm === 'rms' ? 'SimplifiedLayerNormalization' : 'LayerNormalization';
  return target.graph.node(op, [x, ...weights], { attributes });
}

export async function addInputNorm(
  target: GraphTarget,
  name: string,
  hidden: string,
  norm: NormWeights | undefined,
): Promise<Stream> {
  return { hidden, normed: norm ? await addNorm(target, name, hidden, norm) : hidden };
}

/** What attention or MLP gave, as it is added to the residual stream: with its own norm and scale, where there are any. */
export async function addBranchNorm(
  target: GraphTarget,
  name: string,
  x: string,
  { residualScale }: LayerSpec,
  norm: NormWeights | undefined,
): Promise<string> {
  const normed = norm ? await addNorm(target, `${name}.outputNorm`, x, norm) : x;
  return scaled(target, `${name}.residualScale`, normed, residualScale);
}

/** Adds hidden = x + residual and normed = norm(hidden), as one fused node. */
export async function addResidualNorm(
  target: GraphTarget,
  name: string,
  x: string,
  residual: string,
  norm: NormWeights | undefined,
): Promise<Stream> {
  if (!norm) {
    const hidden = target.graph.node('Add', [x, residual]);
    return { hidden, normed: hidden };
  }
  const inputs = [x, residual, ...(await addNormWeights(target, name, norm))];
  const op = target.shape.norm === 'rms' ? 'SkipSimplifiedLayerNormalization' : 'SkipLayerNormalization';
  const outputs = [`${name}.normed`, '', '', `${name}.sum`];
  const attributes = { epsilon: { float: target.shape.normEpsilon } };
  target.graph.node(op, inputs, { domain: 'com.microsoft', attributes, outputs });
  return { normed: `${name}.normed`, hidden: `${name}.sum` };
}

async function addNormWeights(target: GraphTarget, name: string, norm: NormWeights): Promise<string[]> {
  const weight = await addVector(target, `${name}.weight`, norm.weight);
  return norm.bias ? [weight, await addVector(target, `${name}.bias`, norm.bias)] : [weight];
}
