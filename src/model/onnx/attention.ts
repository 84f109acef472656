/**
 * The two weightless attention graphs, shared by all layers. `slice` is the attention of a chunk of tokens after a
 * prefix that lies in the cache; `row` that of one token over the cache in place.
 */
import type { ModelShape } from '../../core/shape.js';
import { GraphBuilder } from './graph-builder.js';
import type { Graph } from './proto.js';

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
 * cache → attended [kvHeads, group, D]. Nothing is copied in and the cost follows the tokens, not the capacity.
 */
export function rowAttention(shape: ModelShape): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('row-attention');
  const q = graph.input('queries', 'f32', [kvHeads, group, headDim]);
  const perHead = splitHeads(graph, q, kvHeads).map((query, head) => {
    const k = graph.input(`k${head}`, 'f32', ['tokens', headDim]);
    const v = graph.input(`v${head}`, 'f32', ['tokens', headDim]);
    const scores = graph.node('FusedMatMul', [query, k], {
      domain: 'com.microsoft',
      attributes: { transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } },
    });
    return graph.node('MatMul', [graph.node('Softmax', [scores], { attributes: { axis: -1 } }), v]);
  });
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [kvHeads, group, headDim]);
  return graph.build();
}

function splitHeads(graph: GraphBuilder, queries: string, kvHeads: number): string[] {
  if (kvHeads === 1) return [queries];
  const outputs = Array.from({ length: kvHeads }, (_, head) => `q${head}`);
  graph.node('Split', [queries], { attributes: { axis: 0, num_outputs: kvHeads }, outputs });
  return outputs;
}
