/**
 * The graphs of row.ts: one token over the cache in place, for few rows of cache and for many.
 */
import type { KvDtype } from '../../../core/shape.js';
import type { AttentionShape } from './attention-shape.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { Graph } from '../../../model/graph/proto.js';
import { cacheInput } from '../cache/cache-graphs.js';
import { PIECE_TOKENS } from '../cache/sum-pieces.js';
import { withDistances } from './distance-bias.js';
import { splitHeads } from './head-graphs.js';
import { attentionWeights, scaledScores, type SinkPlace, sinksInput } from './scores.js';

/**
 * queries [kvHeads, group, D], and for every KV head g its rows k{g}, v{g} [tokens, D], which are views of the
 * cache in its element type → attended [kvHeads, group, D]. Nothing is copied in and the cost follows the tokens, not the capacity.
 */
export function rowAttention(shape: AttentionShape, kvDtype: KvDtype): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('row-attention');
  const q = graph.input('queries', 'f32', [kvHeads, group, headDim]);
  const sinks = sinksInput(graph, shape);
  const perHead = splitHeads(graph, q, kvHeads).map((query, head) => {
    const k = cacheInput(graph, kvDtype, `k${head}`, ['tokens', headDim]);
    const v = cacheInput(graph, kvDtype, `v${head}`, ['tokens', headDim]);
    return graph.node('MatMul', [rowWeights(graph, shape, { query, k, place: placeOf(sinks, head) }), v]);
  });
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [kvHeads, group, headDim]);
  return graph.build();
}

/**
 * As rowAttention, but values come as v{g} [pieces, PIECE_TOKENS, D] with anything finite behind the last token, and
 * pads i64[4] = (0, 0, 0, rows behind it). Kernels add long sums up in pieces whose length depends on the number of
 * threads; here every piece has PIECE_TOKENS, so that the numbers are the same to the last digit for any number.
 */
export function piecewiseRowAttention(shape: AttentionShape, kvDtype: KvDtype): Graph {
  const { heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const graph = new GraphBuilder('piecewise-row-attention');
  const q = graph.input('queries', 'f32', [kvHeads, group, headDim]);
  const sinks = sinksInput(graph, shape);
  const pads = graph.input('pads', 'i64', [4]);
  const first = graph.constant('first', 'i64', [1], [0]);
  const split = graph.constant('split', 'i64', [3], [group, -1, PIECE_TOKENS]);
  const perHead = splitHeads(graph, q, kvHeads).map((query, head) => {
    const k = cacheInput(graph, kvDtype, `k${head}`, ['tokens', headDim]);
    const v = cacheInput(graph, kvDtype, `v${head}`, ['pieces', PIECE_TOKENS, headDim]);
    const weights = graph.node('Squeeze', [
      rowWeights(graph, shape, { query, k, place: placeOf(sinks, head) }),
      first,
    ]);
    const padded = graph.node('Reshape', [graph.node('Pad', [weights, pads]), split]);
    const byPiece = graph.node('Transpose', [padded], { attributes: { perm: [1, 0, 2] } });
    return graph.node('ReduceSum', [graph.node('MatMul', [byPiece, v]), first], {
      attributes: { keepdims: 1 },
    });
  });
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [kvHeads, group, headDim]);
  return graph.build();
}

/** Of one KV head: query [1, group, D] and k [tokens, D]. */
type RowOfHead = { readonly query: string; readonly k: string; readonly place: SinkPlace };

function placeOf(sinks: string | undefined, kvHead: number): SinkPlace {
  return { sinks, kvHead, perHead: [1, -1, 1] };
}

/** query [1, group, D] and k [tokens, D] → [1, group, tokens], every row adding up to 1. */
function rowWeights(graph: GraphBuilder, shape: AttentionShape, { query, k, place }: RowOfHead): string {
  const bias = { name: `bias${place.kvHead}`, axis: 1, tokens: 'tokens' } as const;
  const scores = withDistances(graph, shape, scaledScores(graph, query, k, shape), bias);
  return attentionWeights(graph, scores, place);
}
