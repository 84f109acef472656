/**
 * Queries, keys and values as nodes: the projections, the norms on heads, and the turns by position.
 */
import type { LayerWeights, NormWeights } from '../../core/checkpoint.js';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { Rotary } from '../../core/layers/rotary.js';
import { addVector, type GraphTarget, ROWS } from './graph-target.js';
import { addLinear } from './linear.js';
import { addNorm, addNormOf } from './norms.js';

type Layer = { readonly spec: LayerSpec; readonly weights: LayerWeights };

/** The tables [rows, dims/2] that turn rows of a layer; undefined where it turns none. */
export type Turns = { readonly rotary: Rotary; readonly cos: string; readonly sin: string } | undefined;

/** Declares the graph's inputs for them. */
export function addTurns({ graph }: GraphTarget, rotary: Rotary | undefined): Turns {
  if (!rotary) return undefined;
  const dims = [ROWS, rotary.dims / 2];
  return { rotary, cos: graph.input('cos', 'f32', dims), sin: graph.input('sin', 'f32', dims) };
}

export function tailTurns(turns: Turns, tail: (table: string) => string): Turns {
  return turns && { ...turns, cos: tail(turns.cos), sin: tail(turns.sin) };
}

export async function addKeysAndValues(
  target: GraphTarget,
  { spec, weights }: Layer,
  normed: string,
  turns: Turns,
): Promise<void> {
  const { graph, shape } = target;
  const width = shape.kvHeads * shape.headDim;
  const keys = await addLinear(target, 'k', normed, weights.k);
  const steady = await addHeadNorm(target, 'keys', keys, { spec, norm: weights.kNorm, heads: shape.kvHeads });
  addTurned(target, steady, turns, shape.kvHeads, 'keys');
  graph.output('keys', 'f32', [1, ROWS, width]);
  const values = await addLinear(target, 'v', normed, weights.v);
  graph.node('Identity', [values], { outputs: ['values'] });
  graph.output('values', 'f32', [1, ROWS, width]);
}

/** @param rows the dimension's name in the outputs */
export async function addQueries(
  target: GraphTarget,
  { spec, weights }: Layer,
  normed: string,
  turns: Turns,
  rows: string,
): Promise<void> {
  const { graph, shape } = target;
  const queries = await addLinear(target, 'q', normed, weights.q);
  const steady = await addHeadNorm(target, 'queries', queries, {
    spec,
    norm: weights.qNorm,
    heads: shape.heads,
  });
  addTurned(target, steady, turns, shape.heads, 'queries');
  graph.output('queries', 'f32', [1, rows, shape.heads * shape.headDim]);
}

type HeadNorm = { readonly spec: LayerSpec; readonly norm: NormWeights | undefined; readonly heads: number };

/** x [1, rows, heads·D] with the norm that the layer has on it. */
async function addHeadNorm(
  target: GraphTarget,
  name: string,
  x: string,
  { spec, norm, heads }: HeadNorm,
): Promise<string> {
  if (!norm) return x;
  if (spec.attention.queryKeyNorm === 'projection') return addNorm(target, `${name}.norm`, x, norm);
  const { graph, shape } = target;
  const apart = graph.constant(`${name}.apart`, 'i64', [4], [0, 0, heads, shape.headDim]);
  const byHead = graph.node('Reshape', [x, apart]);
  const normed = await addNormByHead(target, name, byHead, norm, heads);
  return graph.node('Reshape', [normed, graph.constant(`${name}.together`, 'i64', [3], [0, 0, -1])]);
}

/** x [1, rows, heads, D]; the weight is that of a head, or each head's own one after another. */
async function addNormByHead(
  target: GraphTarget,
  name: string,
  x: string,
  norm: NormWeights,
  heads: number,
): Promise<string> {
  const { headDim } = target.shape;
  if (norm.weight.columns === headDim) return addNorm(target, `${name}.norm`, x, norm);
  const ones = target.graph.constant(`${name}.ones`, 'f32', [headDim], new Array<number>(headDim).fill(1));
  const weight = await addVector(target, `${name}.norm.weight`, norm.weight, [heads, headDim]);
  return target.graph.node('Mul', [addNormOf(target, x, [ones]), weight]);
}

/** Row r of cos and sin belongs to row r of x. */
function addTurned({ graph }: GraphTarget, x: string, turns: Turns, heads: number, output: string): void {
  if (!turns) {
    graph.node('Identity', [x], { outputs: [output] });
    return;
  }
  const { dims, pairs } = turns.rotary;
  graph.node(
    'RotaryEmbedding',
    [x, graph.constant(`${output}.first`, 'i64', [1], [0]), turns.cos, turns.sin],
    {
      domain: 'com.microsoft',
      attributes: {
        interleaved: pairs === 'neighbours' ? 1 : 0,
        num_heads: heads,
        rotary_embedding_dim: dims,
      },
      outputs: [output],
    },
  );
}
