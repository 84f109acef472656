/**
 * Milliseconds of one layer on a described device, from the model's shape: a roofline with few terms. Pure.
 *   block(S)        = max(2·weights·(S + half)/matmul rate, weights·bytes/memory rate) + overhead
 *   attention(E, T) = E·heads·(4·headDim/attention rate + score bytes/memory rate), E scores a head
 */
import { meanOverLayers, mlpWeights, outputWeights, projectionWeights } from '../core/layer-sizes.js';
import type { ModelShape } from '../core/shape.js';
import { kvElementsPerToken } from '../core/shape.js';
import type { DeviceProfile, Policy } from './cluster.js';

/** Times of one layer of one model on one device. */
export type DeviceTimes = {
  readonly layers: number;
  /** K and V of one token of one layer. */
  readonly kvBytes: number;
  /** Residual stream of one token. */
  readonly hiddenBytes: number;
  /** Products between two attentions for S rows. */
  blockMs(tokens: number): number;
  /** Norm and Q,K,V only. */
  firstBlockMs(tokens: number): number;
  /** Output projection and MLP only. */
  restBlockMs(tokens: number): number;
  /** `scores` query-key pairs of each head. */
  attentionMs(scores: number): number;
  /** Reading and writing K,V of so many tokens once. */
  copyMs(tokens: number): number;
  readonly headMs: number;
};

/** Weights of one layer, and the part of them that is Q, K and V. */
function layerWeights(shape: ModelShape): { readonly all: number; readonly qkv: number } {
  const qkv = projectionWeights(shape);
  const mlp = meanOverLayers(shape, (spec) => mlpWeights(shape, spec));
  return { all: qkv + outputWeights(shape) + mlp, qkv };
}

export function deviceTimes(shape: ModelShape, device: DeviceProfile): DeviceTimes {
  const weights = layerWeights(shape);
  const kvBytes = device.elementBytes * kvElementsPerToken(shape);
  const products = (count: number, tokens: number) => productsMs(device, count, tokens);
  const perScoreMs =
    1000 *
    shape.heads *
    ((4 * shape.headDim) / device.attentionFlopsPerS + device.scoreBytes / device.memoryBytesPerS);
  return {
    layers: shape.layers,
    kvBytes,
    hiddenBytes: device.elementBytes * shape.hidden,
    blockMs: (tokens) => products(weights.all, tokens) + device.layerOverheadMs,
    firstBlockMs: (tokens) => products(weights.qkv, tokens) + device.layerOverheadMs,
    restBlockMs: (tokens) => products(weights.all - weights.qkv, tokens) + device.layerOverheadMs,
    attentionMs: (scores) => perScoreMs * scores,
    copyMs: (tokens) => (2000 * tokens * kvBytes) / device.memoryBytesPerS,
    headMs: products(shape.vocabulary * shape.hidden, 1),
  };
}

/** Scores a head has for S rows after P: the prefix, and the own square in full or its lower half. */
export function sliceScores(tokens: number, prefixTokens: number, policy: Policy): number {
  const own = policy.diagonal === 'full' ? tokens * tokens : (tokens * (tokens + 1)) / 2;
  return tokens * prefixTokens + own;
}

function productsMs(device: DeviceProfile, weights: number, tokens: number): number {
  const computeMs = (2000 * weights * (tokens + device.matmulHalfTokens)) / device.matmulFlopsPerS;
  return Math.max(computeMs, (1000 * weights * device.elementBytes) / device.memoryBytesPerS);
}
