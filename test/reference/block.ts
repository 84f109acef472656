/**
 * One transformer block of the reference pass, for one token after the tokens its cache already holds: whatever a layer's spec
 * says, one number after another. Used by forward.ts.
 */
import type { LayerWeights, NormWeights } from '../../src/core/checkpoint.js';
import type { LayerSpec } from '../../src/core/layers/layer-spec.js';
import { layerSpec, type ModelShape } from '../../src/core/shape.js';
import { normalize, softmax } from './functions.js';
import { addInto, applyLinear, loadLinear, loadMatrix, loadNorm } from './matrix.js';
import type { LoadedLinear, LoadedNorm } from './matrix.js';
import { applyMlp, loadMlp } from './mlp.js';
import type { LoadedMlp } from './mlp.js';
import { rotate } from './rotary.js';

export type Block = {
  readonly spec: LayerSpec;
  readonly attentionNorm?: LoadedNorm;
  readonly attentionOutputNorm?: LoadedNorm;
  readonly mlpNorm?: LoadedNorm;
  readonly mlpOutputNorm?: LoadedNorm;
  readonly q: LoadedLinear;
  readonly k: LoadedLinear;
  readonly v: LoadedLinear;
  readonly o: LoadedLinear;
  readonly qNorm?: LoadedNorm;
  readonly kNorm?: LoadedNorm;
  readonly sinks?: Float32Array;
  readonly mlp: LoadedMlp;
};

/** One layer's keys (rotated) and values, [kvHeads · headDim] per token, in token order. */
export type LayerCache = {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
  /** What becomes of each head before it is kept. */
  readonly round: Rounding;
  /** How long the prompt is, which some positions depend on. */
  promptTokens: number;
};
/** Of the keys or the values of one head of one token, [headDim]. */
export type Rounding = (head: Float64Array) => Float64Array;

const NORMS = ['attentionNorm', 'attentionOutputNorm', 'mlpNorm', 'mlpOutputNorm', 'qNorm', 'kNorm'] as const;

export async function loadBlock(shape: ModelShape, layer: number, weights: LayerWeights): Promise<Block> {
  const norms = await Promise.all(
    NORMS.map(async (name) => {
      const norm: NormWeights | undefined = weights[name];
      return norm ? { [name]: await loadNorm(norm) } : {};
    }),
  );
  return {
    spec: layerSpec(shape, layer),
    ...(Object.assign({}, ...norms) as Partial<Block>),
    q: await loadLinear(weights.q),
    k: await loadLinear(weights.k),
    v: await loadLinear(weights.v),
    o: await loadLinear(weights.o),
    ...(weights.sinks && { sinks: (await loadMatrix(weights.sinks)).data }),
    mlp: await loadMlp(weights.mlp),
  };
}

/** The hidden state [hidden] of the token at position cache.keys.length, after this block; the cache grows by it. */
export function applyBlock(
  shape: ModelShape,
  block: Block,
  cache: LayerCache,
  hidden: Float64Array,
): Float64Array {
  const { spec } = block;
  const branch = (x: Float64Array, norm: LoadedNorm | undefined): Float64Array =>
    normed(shape, norm, x).map((value) => value * spec.residualScale);
  const read = normed(shape, block.attentionNorm, hidden);
  const result = Float64Array.from(hidden);
  addInto(result, branch(attention(shape, block, cache, read), block.attentionOutputNorm));
  const before = spec.residual === 'parallel' ? hidden : Float64Array.from(result);
  const mlpInput = spec.sharesNorm ? read : normed(shape, block.mlpNorm, before);
  addInto(result, branch(applyMlp(spec.mlp, block.mlp, mlpInput), block.mlpOutputNorm));
  return result;
}

function normed(shape: ModelShape, norm: LoadedNorm | undefined, x: Float64Array): Float64Array {
  return norm ? normalize(shape, norm, x) : x;
}

function attention(shape: ModelShape, block: Block, cache: LayerCache, x: Float64Array): Float64Array {
  const at = { position: cache.keys.length, promptTokens: cache.promptTokens };
  const { rotary } = block.spec.attention;
  const query = normedHeads(shape, block, block.qNorm, applyLinear(block.q, x));
  const key = normedHeads(shape, block, block.kNorm, applyLinear(block.k, x));
  if (rotary) rotate(query, shape.headDim, at, rotary);
  if (rotary) rotate(key, shape.headDim, at, rotary);
  cache.keys.push(rounded(shape, cache, key));
  cache.values.push(rounded(shape, cache, applyLinear(block.v, x)));
  const heads = new Float64Array(shape.heads * shape.headDim);
  for (let head = 0; head < shape.heads; head++) attendHead(shape, block, cache, query, head, heads);
  return applyLinear(block.o, heads);
}

function rounded({ headDim }: ModelShape, { round }: LayerCache, row: Float64Array): Float64Array {
  const result = new Float64Array(row.length);
  for (let from = 0; from < row.length; from += headDim)
    result.set(round(row.slice(from, from + headDim)), from);
  return result;
}

/** The norm over all of it, or a head at a time with the same weights or the head's own. */
function normedHeads(
  shape: ModelShape,
  { spec }: Block,
  norm: LoadedNorm | undefined,
  x: Float64Array,
): Float64Array {
  if (!norm) return x;
  if (spec.attention.queryKeyNorm === 'projection') return normalize(shape, norm, x);
  const result = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += shape.headDim) {
    const start = from % norm.weight.length;
    const weight = norm.weight.slice(start, start + shape.headDim);
    result.set(normalize(shape, { weight }, x.slice(from, from + shape.headDim)), from);
  }
  return result;
}

/** Consecutive groups of heads/kvHeads query heads share one key and value head. */
function attendHead(
  { heads, kvHeads, headDim }: ModelShape,
  { spec: { attention: spec }, sinks }: Block,
  { keys, values }: LayerCache,
  query: Float64Array,
  head: number,
  into: Float64Array,
): void {
  const from = head * headDim;
  const kvFrom = Math.floor(head / (heads / kvHeads)) * headDim;
  const first = spec.windowTokens === undefined ? 0 : Math.max(0, keys.length - spec.windowTokens);
  const seen = keys.slice(first).map((key, index) => {
    const distance = keys.length - 1 - first - index;
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += query[from + i]! * key[kvFrom + i]!;
    const score = sum * spec.scale;
    const capped = spec.scoreCap === undefined ? score : spec.scoreCap * Math.tanh(score / spec.scoreCap);
    return spec.alibiScale === undefined
      ? capped
      : capped - spec.alibiScale * slopeOf(head, heads) * distance;
  });
  const weights = softmax(Float64Array.from(sinks ? [...seen, sinks[head]!] : seen));
  values.slice(first).forEach((value, token) => {
    for (let i = 0; i < headDim; i++) into[from + i]! += weights[token]! * value[kvFrom + i]!;
  });
}

/** ALiBi's slope of a head: a geometric series for a power of two; heads beyond it take the first, third, … of twice as many. */
function slopeOf(head: number, heads: number): number {
  let power = 1;
  while (2 * power <= heads) power *= 2;
  if (head < power) return (2 ** (-8 / power)) ** (head + 1);
  return (2 ** (-4 / power)) ** (2 * (head - power) + 1);
}
