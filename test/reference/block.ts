/**
 * One transformer block of the reference pass, for one token after the tokens its cache already holds.
 * Every ModelShape: grouped heads, sequential or parallel residual, gated or plain MLP. Used by forward.ts.
 */
import type { LayerWeights } from '../../src/core/checkpoint.js';
import type { ModelShape } from '../../src/core/shape.js';
import { gelu, normalize, silu, softmax } from './functions.js';
import { addInto, applyLinear, loadLinear, loadNorm } from './matrix.js';
import type { LoadedLinear, LoadedNorm } from './matrix.js';
import { rotate } from './rotary.js';

export type Block = {
  readonly attentionNorm: LoadedNorm;
  readonly mlpNorm?: LoadedNorm;
  readonly q: LoadedLinear;
  readonly k: LoadedLinear;
  readonly v: LoadedLinear;
  readonly o: LoadedLinear;
  readonly gate?: LoadedLinear;
  readonly up: LoadedLinear;
  readonly down: LoadedLinear;
};

/** One layer's keys (rotated) and values, [kvHeads · headDim] per token, in token order. */
export type LayerCache = {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
  /** What becomes of every number before it is kept. */
  readonly round: Rounding;
};
export type Rounding = (value: number) => number;

export async function loadBlock(weights: LayerWeights): Promise<Block> {
  return {
    attentionNorm: await loadNorm(weights.attentionNorm),
    ...(weights.mlpNorm && { mlpNorm: await loadNorm(weights.mlpNorm) }),
    q: await loadLinear(weights.q),
    k: await loadLinear(weights.k),
    v: await loadLinear(weights.v),
    o: await loadLinear(weights.o),
    ...(weights.gate && { gate: await loadLinear(weights.gate) }),
    up: await loadLinear(weights.up),
    down: await loadLinear(weights.down),
  };
}

/** The hidden state [hidden] of the token at position cache.keys.length, after this block; the cache grows by it. */
export function applyBlock(
  shape: ModelShape,
  block: Block,
  cache: LayerCache,
  frequencies: Float64Array,
  hidden: Float64Array,
): Float64Array {
  const read = normalize(shape, block.attentionNorm, hidden);
  const attended = attention(shape, block, cache, frequencies, read);
  const result = Float64Array.from(hidden);
  addInto(result, attended);
  const mlpInput = block.mlpNorm
    ? normalize(shape, block.mlpNorm, shape.residual === 'parallel' ? hidden : result)
    : read;
  addInto(result, mlp(shape, block, mlpInput));
  return result;
}

function attention(
  shape: ModelShape,
  block: Block,
  cache: LayerCache,
  frequencies: Float64Array,
  x: Float64Array,
): Float64Array {
  const position = cache.keys.length;
  const query = applyLinear(block.q, x);
  const key = applyLinear(block.k, x);
  rotate(query, position, frequencies);
  rotate(key, position, frequencies);
  cache.keys.push(key.map(cache.round));
  cache.values.push(applyLinear(block.v, x).map(cache.round));
  const heads = new Float64Array(shape.heads * shape.headDim);
  for (let head = 0; head < shape.heads; head++) attendHead(shape, cache, query, head, heads);
  return applyLinear(block.o, heads);
}

/** Consecutive groups of heads/kvHeads query heads share one key and value head. */
function attendHead(
  { heads, kvHeads, headDim }: ModelShape,
  { keys, values }: LayerCache,
  query: Float64Array,
  head: number,
  into: Float64Array,
): void {
  const from = head * headDim;
  const kvFrom = Math.floor(head / (heads / kvHeads)) * headDim;
  const scores = new Float64Array(keys.length);
  for (let token = 0; token < keys.length; token++) {
    const key = keys[token]!;
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += query[from + i]! * key[kvFrom + i]!;
    scores[token] = sum / Math.sqrt(headDim);
  }
  const weights = softmax(scores);
  for (let token = 0; token < values.length; token++) {
    const value = values[token]!;
    const weight = weights[token]!;
    for (let i = 0; i < headDim; i++) into[from + i]! += weight * value[kvFrom + i]!;
  }
}

function mlp({ mlp: kind }: ModelShape, block: Block, x: Float64Array): Float64Array {
  const up = applyLinear(block.up, x);
  if (kind === 'gelu') return applyLinear(block.down, up.map(gelu));
  if (!block.gate) throw new Error("an MLP of kind 'silu-gated' needs gate weights");
  const gate = applyLinear(block.gate, x);
  return applyLinear(
    block.down,
    up.map((value, i) => value * silu(gate[i]!)),
  );
}
