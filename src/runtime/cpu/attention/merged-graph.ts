/**
 * The attention of a tile of rows after a prefix by plain products on the cache in place: for models whose query heads
 * have keys of their own, where the grouped kernel copies more than it computes, and for f16 caches, which that kernel does
 * not take beside f32 queries. The tile's own part, which needs a mask, and the prefix, which needs none, are computed
 * apart and merged exactly: the log of the own part's sum of exponents is put among the prefix's scores as one
 * score more, so the softmax over those shares the weight out.
 */
import type { KvDtype, ModelShape } from '../../../core/shape.js';
import { cacheInput } from '../cache/cache-graphs.js';
import { scaledScores } from './head-graphs.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { Graph } from '../../../model/graph/proto.js';

/**
 * For every KV head g: queries q{g} [1, stacked, D], the group's query heads one after another, stacked = group·rows; k{g}, v{g}
 * [1+prefix, D], a row of zeros and the rows before the tile; ownK{g}, ownV{g} [own, D], the tile's up to the last of the
 * call's; these four as the cache has them. mask [rows, own] is 0 or -inf; slot i64 [1, stacked, 1] zeros, the index of the row of
 * zeros; grouped i64 =
 * (group, rows, own), stacked i64 = (1, group·rows, own), which ONNX can not infer → attended [kvHeads, stacked, D].
 */
export function mergedAttention(shape: ModelShape, kvDtype: KvDtype): Graph {
  const graph = new GraphBuilder('merged-attention');
  const heads = Array.from({ length: shape.kvHeads }, (_, head) => head);
  const common = declareCommon(graph, kvDtype);
  const perHead = heads.map((head) => oneHead(graph, shape.headDim, head, common));
  graph.node('Concat', perHead, { attributes: { axis: 0 }, outputs: ['attended'] });
  graph.output('attended', 'f32', [shape.kvHeads, 'stackedRows', shape.headDim]);
  return graph.build();
}

type Common = ReturnType<typeof declareCommon>;

function declareCommon(graph: GraphBuilder, kvDtype: KvDtype) {
  return {
    kvDtype,
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

function oneHead(graph: GraphBuilder, headDim: number, head: number, common: Common): string {
  // Named dimensions, so that the runtime sees that the scores' shape stays and puts the one score more in in place.
  const q = graph.input(`q${head}`, 'f32', [1, 'stackedRows', headDim]);
  const k = cacheInput(graph, common.kvDtype, `k${head}`, ['prefixRows', headDim]);
  const v = cacheInput(graph, common.kvDtype, `v${head}`, ['prefixRows', headDim]);
  const own = ownPart(graph, q, headDim, head, common);
  const scores = graph.node(
    'ScatterElements',
    [scaledScores(graph, q, k, headDim), common.slot, own.logSum],
    {
      attributes: { axis: 2 },
    },
  );
  const weights = graph.node('Softmax', [scores], { attributes: { axis: -1 } });
  const ownShare = graph.node('Mul', [firstColumn(graph, weights, common), own.attended]);
  return graph.node('Add', [graph.node('MatMul', [weights, v]), ownShare]);
}

/** The tile's rows among themselves: their attention [1, stacked, D], and the log of the sum of exponents [1, stacked, 1]. */
function ownPart(graph: GraphBuilder, q: string, headDim: number, head: number, common: Common) {
  const k = cacheInput(graph, common.kvDtype, `ownK${head}`, ['own', headDim]);
  const v = cacheInput(graph, common.kvDtype, `ownV${head}`, ['own', headDim]);
  const byHead = graph.node('Reshape', [scaledScores(graph, q, k, headDim), common.grouped]);
  const scores = graph.node('Add', [byHead, common.mask]);
  const logs = graph.node('LogSoftmax', [scores], { attributes: { axis: -1 } });
  const weights = graph.node('Reshape', [graph.node('Exp', [logs]), common.stacked]);
  // Every row sees the tile's first one, so its score is finite: score - log softmax = log of the sum of exponents.
  const logSum = graph.node('Sub', [firstColumn(graph, scores, common), firstColumn(graph, logs, common)]);
  return {
    attended: graph.node('MatMul', [weights, v]),
    logSum: graph.node('Reshape', [logSum, common.column]),
  };
}

function firstColumn(graph: GraphBuilder, of: string, { from, to, last }: Common): string {
  return graph.node('Slice', [of, from, to, last]);
}
