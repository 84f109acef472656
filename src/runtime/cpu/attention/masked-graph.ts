/**
 * The graph of masked.ts: attention over a range of rows, masked afterwards.
 */
import type { KvDtype } from '../../../core/shape.js';
import type { AttentionShape } from './attention-shape.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { Graph } from '../../../model/graph/proto.js';
import { cacheInput } from '../cache/cache-graphs.js';
import { withDistances } from './distance-bias.js';
import { splitHeads } from './head-graphs.js';
import { attentionWeights, scaledScores, sinksInput } from './scores.js';

/**
 * The full QKᵀ over all rows that are given, masked afterwards: TSP's attention as the paper has it, over the whole context,
 * and that of rows that see a window. queries [1, rows, heads·D], mask [rows, tokens] (0 or -inf), k{g} and v{g} as in rowAttention, and two shapes that ONNX
 * can not infer, unfolded = (group, rows, tokens) and folded = (1, group·rows, tokens) → attended [1, rows, heads·D].
 */
export function maskedAttention(shape: AttentionShape, kvDtype: KvDtype): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('masked-attention');
  const q = graph.input('queries', 'f32', [1, 'rows', heads * headDim]);
  const mask = graph.input('mask', 'f32', ['rows', 'tokens']);
  const unfolded = graph.input('unfolded', 'i64', [3]);
  const folded = graph.input('folded', 'i64', [3]);
  const sinks = sinksInput(graph, shape);
  const perHead = splitHeads(graph, foldQueries(graph, q, shape), kvHeads).map((query, head) => {
    const k = cacheInput(graph, kvDtype, `k${head}`, ['tokens', headDim]);
    const v = cacheInput(graph, kvDtype, `v${head}`, ['tokens', headDim]);
    const scores = scaledScores(graph, query, k, shape);
    const bias = { name: `bias${head}`, axis: 0, tokens: 'tokens' } as const;
    const distant = withDistances(graph, shape, graph.node('Reshape', [scores, unfolded]), bias);
    const masked = graph.node('Add', [distant, mask]);
    const weights = attentionWeights(graph, masked, { sinks, kvHead: head, perHead: [-1, 1, 1] });
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
function foldQueries(
  graph: GraphBuilder,
  queries: string,
  { heads, kvHeads, headDim }: AttentionShape,
): string {
  const perHead = graph.constant('perHead', 'i64', [4], [-1, kvHeads, heads / kvHeads, headDim]);
  const byHead = graph.node('Transpose', [graph.node('Reshape', [queries, perHead])], {
    attributes: { perm: [1, 2, 0, 3] },
  });
  return graph.node('Reshape', [byHead, graph.constant('stacked', 'i64', [3], [kvHeads, -1, headDim])]);
}
