/**
 * The weightless attention graphs, shared by all layers. `slice` is the attention of a chunk of tokens after a
 * prefix that lies in the cache; `row` that of one token over the cache in place;
 * `dense` is the baseline's, which computes the masked half too.
 */
import type { KvDtype, ModelShape } from '../../../core/shape.js';
import { cacheInput } from '../cache/cache-graphs.js';
import { ROW_BLOCK_TOKENS } from '../cache/row-blocks.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { Graph } from '../../../model/graph/proto.js';

/**
 * queries [1, rows, heads·D], keys and values [1, rows, kvHeads·D] of the chunk itself, pastK and pastV
 * [1, kvHeads, capacity, D] of which rows [0, last+1-rows) count, last i32[1] = index of the chunk's last token,
 * total i32 = last+1 → attended [1, rows, heads·D]. Causal inside the chunk.
 * present keys and values are named, since the kernel is wrong without them, but are no outputs: nothing is copied out.
 */
export function sliceAttention(shape: ModelShape): Graph {
  const { heads, kvHeads, headDim } = shape;
  const graph = new GraphBuilder('slice-attention');
  const q = graph.input('queries', 'f32', [1, 'rows', heads * headDim]);
  const k = graph.input('keys', 'f32', [1, 'rows', kvHeads * headDim]);
  const v = graph.input('values', 'f32', [1, 'rows', kvHeads * headDim]);
  const pastK = graph.input('pastK', 'f32', [1, kvHeads, 'capacity', headDim]);
  const pastV = graph.input('pastV', 'f32', [1, kvHeads, 'capacity', headDim]);
  const last = graph.input('last', 'i32', [1]);
  const total = graph.input('total', 'i32', []);
  graph.node('GroupQueryAttention', [q, k, v, pastK, pastV, last, total], {
    domain: 'com.microsoft',
    attributes: { num_heads: heads, kv_num_heads: kvHeads },
    outputs: ['attended', 'presentK', 'presentV'],
  });
  graph.output('attended', 'f32', [1, 'rows', heads * headDim]);
  return graph.build();
}

/**
 * queries [kvHeads, group, D], and for every KV head g its rows k{g}, v{g} [tokens, D], which are views of the
 * cache in its element type → attended [kvHeads, group, D]. Nothing is copied in and the cost follows the tokens, not the capacity.
 */
export function rowAttention(shape: ModelShape, kvDtype: KvDtype): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('row-attention');
  const q = graph.input('queries', 'f32', [kvHeads, group, headDim]);
  const perHead = splitHeads(graph, q, kvHeads).map((query, head) => {
    const k = cacheInput(graph, kvDtype, `k${head}`, ['tokens', headDim]);
    const v = cacheInput(graph, kvDtype, `v${head}`, ['tokens', headDim]);
    return graph.node('MatMul', [rowWeights(graph, query, k, headDim), v]);
  });
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [kvHeads, group, headDim]);
  return graph.build();
}

/**
 * As rowAttention, but values come as v{g} [blocks, ROW_BLOCK_TOKENS, D] with anything finite behind the last token, and
 * pads i64[4] = (0, 0, 0, rows behind it). Kernels add long sums up in pieces whose length depends on the number of
 * threads; here the pieces are the blocks, so that the numbers are the same to the last digit for any.
 */
export function rowBlocksAttention(shape: ModelShape, kvDtype: KvDtype): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('row-blocks-attention');
  const q = graph.input('queries', 'f32', [kvHeads, group, headDim]);
  const pads = graph.input('pads', 'i64', [4]);
  const first = graph.constant('first', 'i64', [1], [0]);
  const pieces = graph.constant('pieces', 'i64', [3], [group, -1, ROW_BLOCK_TOKENS]);
  const perHead = splitHeads(graph, q, kvHeads).map((query, head) => {
    const k = cacheInput(graph, kvDtype, `k${head}`, ['tokens', headDim]);
    const v = cacheInput(graph, kvDtype, `v${head}`, ['blocks', ROW_BLOCK_TOKENS, headDim]);
    const weights = graph.node('Squeeze', [rowWeights(graph, query, k, headDim), first]);
    const padded = graph.node('Reshape', [graph.node('Pad', [weights, pads]), pieces]);
    const byBlock = graph.node('Transpose', [padded], { attributes: { perm: [1, 0, 2] } });
    return graph.node('ReduceSum', [graph.node('MatMul', [byBlock, v]), first], {
      attributes: { keepdims: 1 },
    });
  });
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [kvHeads, group, headDim]);
  return graph.build();
}

/** query [1, group, D] and k [tokens, D] → [1, group, tokens], every row adding up to 1. */
function rowWeights(graph: GraphBuilder, query: string, k: string, headDim: number): string {
  const scores = graph.node('FusedMatMul', [query, k], {
    domain: 'com.microsoft',
    attributes: { transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } },
  });
  return graph.node('Softmax', [scores], { attributes: { axis: -1 } });
}

/**
 * TSP's attention as the paper has it: the full QKᵀ over the whole context, masked afterwards. queries
 * [1, rows, heads·D], mask [rows, tokens] (0 or -inf), k{g} and v{g} as in rowAttention, and two shapes that ONNX
 * can not infer, unfolded = (group, rows, tokens) and folded = (1, group·rows, tokens) → attended [1, rows, heads·D].
 */
export function denseAttention(shape: ModelShape, kvDtype: KvDtype): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('dense-attention');
  const q = graph.input('queries', 'f32', [1, 'rows', heads * headDim]);
  const mask = graph.input('mask', 'f32', ['rows', 'tokens']);
  const unfolded = graph.input('unfolded', 'i64', [3]);
  const folded = graph.input('folded', 'i64', [3]);
  const perHead = splitHeads(graph, foldQueries(graph, q, shape), kvHeads).map((query, head) => {
    const k = cacheInput(graph, kvDtype, `k${head}`, ['tokens', headDim]);
    const v = cacheInput(graph, kvDtype, `v${head}`, ['tokens', headDim]);
    const scores = graph.node('FusedMatMul', [query, k], {
      domain: 'com.microsoft',
      attributes: { transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } },
    });
    const masked = graph.node('Add', [graph.node('Reshape', [scores, unfolded]), mask]);
    const weights = graph.node('Softmax', [masked], { attributes: { axis: -1 } });
    return graph.node('MatMul', [graph.node('Reshape', [weights, folded]), v]);
  });
  const all = graph.node('Concat', perHead, { attributes: { axis: 0 } });
  const split = graph.node('Reshape', [
    all,
    graph.constant('split', 'i64', [4], [kvHeads, group, -1, headDim]),
  ]);
  const byRow = graph.node('Transpose', [split], { attributes: { perm: [2, 0, 1, 3] } });
  graph.node('Reshape', [byRow, graph.constant('joined', 'i64', [3], [1, -1, heads * headDim])], {
    outputs: ['attended'],
  });
  graph.output('attended', 'f32', [1, 'rows', heads * headDim]);
  return graph.build();
}

/** [1, rows, heads·D] → [kvHeads, group·rows, D]: the query heads of a group stacked as rows of one product. */
function foldQueries(graph: GraphBuilder, queries: string, { heads, kvHeads, headDim }: ModelShape): string {
  const perHead = graph.constant('perHead', 'i64', [4], [-1, kvHeads, heads / kvHeads, headDim]);
  const byHead = graph.node('Transpose', [graph.node('Reshape', [queries, perHead])], {
    attributes: { perm: [1, 2, 0, 3] },
  });
  return graph.node('Reshape', [byHead, graph.constant('stacked', 'i64', [3], [kvHeads, -1, headDim])]);
}

function splitHeads(graph: GraphBuilder, queries: string, kvHeads: number): string[] {
  if (kvHeads === 1) return [queries];
  const outputs = Array.from({ length: kvHeads }, (_, head) => `q${head}`);
  graph.node('Split', [queries], { attributes: { axis: 0, num_outputs: kvHeads }, outputs });
  return outputs;
}
