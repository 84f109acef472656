/**
 * The graph of grouped.ts: the runtime's own kernel for query heads that share keys.
 */
import type { AttentionShape } from './attention-shape.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { Graph } from '../../../model/graph/proto.js';

/**
 * queries [1, rows, heads·D], keys and values [1, rows, kvHeads·D] of the call's rows, pastK and pastV
 * [1, kvHeads, capacity, D] of which rows [0, last+1-rows) count, last i32[1] = index of the call's last token,
 * total i32 = last+1 → attended [1, rows, heads·D]. Causal inside the call.
 * present keys and values are named, since the kernel is wrong without them, but are no outputs: nothing is copied out.
 */
export function groupedAttention(shape: AttentionShape): Graph {
  const { heads, kvHeads, headDim, scale } = shape;
  const graph = new GraphBuilder('grouped-attention');
  const q = graph.input('queries', 'f32', [1, 'rows', heads * headDim]);
  const k = graph.input('keys', 'f32', [1, 'rows', kvHeads * headDim]);
  const v = graph.input('values', 'f32', [1, 'rows', kvHeads * headDim]);
  const pastK = graph.input('pastK', 'f32', [1, kvHeads, 'capacity', headDim]);
  const pastV = graph.input('pastV', 'f32', [1, kvHeads, 'capacity', headDim]);
  const last = graph.input('last', 'i32', [1]);
  const total = graph.input('total', 'i32', []);
  graph.node('GroupQueryAttention', [q, k, v, pastK, pastV, last, total], {
    domain: 'com.microsoft',
    attributes: { num_heads: heads, kv_num_heads: kvHeads, scale: { float: scale } },
    outputs: ['attended', 'presentK', 'presentV'],
  });
  graph.output('attended', 'f32', [1, 'rows', heads * headDim]);
  return graph.build();
}
