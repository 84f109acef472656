/**
 * The attention of a tile of rows after a prefix by plain products on the cache in place: for models whose query heads
 * have keys of their own, where the grouped kernel copies more than it computes, and for f16 and q8 caches, which that kernel
 * does not take as they are. The tile's own part, which needs a mask, and the prefix, which needs none, are computed
 * apart and merged exactly: the log of the own part's sum of exponents is put among the prefix's scores as one
 * score more, so the softmax over those shares the weight out.
 */
import type { KvDtype } from '../../../core/shape.js';
import type { AttentionShape } from './attention-shape.js';
import { cacheInput } from '../cache/cache-graphs.js';
import { withDistances, withStackedDistances } from './distance-bias.js';
import { scaledScores, sinksInput, withoutSink, withSink } from './scores.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { Graph } from '../../../model/graph/proto.js';

/**
 * For every KV head g: queries q{g} [1, stacked, D], the group's query heads one after another, stacked = group·rows; k{g}, v{g}
 * [1+prefix, D], a row of zeros and the rows before the tile; ownK{g}, ownV{g} [own, D], the tile's up to the last of the
 * call's; these four as the cache has them. mask [rows, own] is 0 or -inf; slot i64 [1, stacked, 1] is 0, where the row of
 * zeros has its score; grouped i64 = (group, rows, own) and stacked i64 = (1, group·rows, own), which ONNX can not infer
 * → attended [kvHeads, stacked, D].
 */
export function mergedAttention(shape: AttentionShape, kvDtype: KvDtype): Graph {
  const graph = new GraphBuilder('merged-attention');
  const heads = Array.from({ length: shape.kvHeads }, (_, head) => head);
  const common = declareCommon(graph, shape, kvDtype);
  const perHead = heads.map((head) => oneHead(graph, shape, head, common));
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [shape.kvHeads, 'stackedRows', shape.headDim]);
  return graph.build();
}

type Common = ReturnType<typeof declareCommon>;

function declareCommon(graph: GraphBuilder, shape: AttentionShape, kvDtype: KvDtype) {
  return {
    kvDtype,
    sinks: sinksInput(graph, shape),
    mask: graph.input('mask', 'f32', ['rows', 'own']),
    slot: graph.input('slot', 'i64', [1, 'stackedRows', 1]),
    grouped: graph.input('grouped', 'i64', [3]),
    stacked: graph.input('stacked', 'i64', [3]),
    column: graph.constant('column', 'i64', [3], [1, -1, 1]),
    from: graph.constant('from', 'i64', [1], [0]),
    to: graph.constant('to', 'i64', [1], [1]),
    last: graph.constant('last', 'i64', [1], [-1]),
  };
}

function oneHead(graph: GraphBuilder, shape: AttentionShape, head: number, common: Common): string {
  const { headDim } = shape;
  // Named dimensions, so that the runtime sees that the shape of the scores stays, and adds the one score more in place.
  const q = graph.input(`q${head}`, 'f32', [1, 'stackedRows', headDim]);
  const k = cacheInput(graph, common.kvDtype, `k${head}`, ['prefixRows', headDim]);
  const v = cacheInput(graph, common.kvDtype, `v${head}`, ['prefixRows', headDim]);
  const own = ownPart(graph, shape, q, head, common);
  const bias = { name: `bias${head}`, tokens: 'prefixRows' };
  const distant = withStackedDistances(graph, shape, scaledScores(graph, q, k, shape), bias);
  const scores = graph.node('ScatterElements', [distant, common.slot, own.logSum], {
    attributes: { axis: 2 },
  });
  const weights = graph.node('Softmax', [scores], { attributes: { axis: -1 } });
  const ownShare = graph.node('Mul', [firstColumn(graph, weights, common), own.attended]);
  return graph.node('Add', [graph.node('MatMul', [weights, v]), ownShare]);
}

/** The tile's rows among themselves, and a sink, which has its share of the sum: their attention [1, stacked, D], and the log of the sum of exponents [1, stacked, 1]. */
function ownPart(graph: GraphBuilder, shape: AttentionShape, q: string, head: number, common: Common) {
  const { headDim } = shape;
  const k = cacheInput(graph, common.kvDtype, `ownK${head}`, ['own', headDim]);
  const v = cacheInput(graph, common.kvDtype, `ownV${head}`, ['own', headDim]);
  const bias = { name: `ownBias${head}`, axis: 0, tokens: 'own' } as const;
  const grouped = graph.node('Reshape', [scaledScores(graph, q, k, shape), common.grouped]);
  const byHead = withDistances(graph, shape, grouped, bias);
  const place = { sinks: common.sinks, kvHead: head, perHead: [-1, 1, 1] };
  const scores = withSink(graph, graph.node('Add', [byHead, common.mask]), place);
  const logs = graph.node('LogSoftmax', [scores], { attributes: { axis: -1 } });
  const weights = graph.node('Reshape', [
    withoutSink(graph, graph.node('Exp', [logs]), place),
    common.stacked,
  ]);
  // The first score is a sink, or of the tile's first row, which all see, and so finite: score - log softmax = log of the sum.
  const logSum = graph.node('Sub', [firstColumn(graph, scores, common), firstColumn(graph, logs, common)]);
  return {
    attended: graph.node('MatMul', [weights, v]),
    logSum: graph.node('Reshape', [logSum, common.column]),
  };
}

function firstColumn(graph: GraphBuilder, of: string, { from, to, last }: Common): string {
  return graph.node('Slice', [of, from, to, last]);
}
