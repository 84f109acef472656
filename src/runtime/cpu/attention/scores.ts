/**
 * Scores of queries and keys as nodes, and the weights that a softmax makes of them.
 */
import type { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { AttentionShape } from './attention-shape.js';

/** queries [1, rows, D] and keys [tokens, D] → scale·q·k, capped where the layer caps, [1, rows, tokens]. */
export function scaledScores(
  graph: GraphBuilder,
  queries: string,
  keys: string,
  { scale, scoreCap }: AttentionShape,
): string {
  const alpha = scoreCap === undefined ? scale : scale / scoreCap;
  const scores = graph.node('FusedMatMul', [queries, keys], {
    domain: 'com.microsoft',
    attributes: { transB: 1, alpha: { float: alpha } },
  });
  if (scoreCap === undefined) return scores;
  const cap = graph.constant(`${scores}.cap`, 'f32', [1], [scoreCap]);
  return graph.node('Mul', [graph.node('Tanh', [scores]), cap]);
}

/** Declares the sinks [kvHeads, group]: a score a query head; undefined where the layer has none. */
export function sinksInput(
  graph: GraphBuilder,
  { heads, kvHeads, hasSinks }: AttentionShape,
): string | undefined {
  return hasSinks ? graph.input('sinks', 'f32', [kvHeads, heads / kvHeads]) : undefined;
}

/** Where the sinks of a layer are to be put among the scores of one KV head's rows. */
export type SinkPlace = {
  /** undefined where the layer has none. */
  readonly sinks: string | undefined;
  readonly kvHead: number;
  /** Dimensions of the sinks of one KV head: [-1, 1, 1] or [1, -1, 1]. */
  readonly perHead: readonly number[];
};

/** Softmax over the last of three axes, without the share of a sink. */
export function attentionWeights(graph: GraphBuilder, scores: string, place: SinkPlace): string {
  const weights = graph.node('Softmax', [withSink(graph, scores, place)], { attributes: { axis: -1 } });
  return withoutSink(graph, weights, place);
}

/**
 * Scores with a score more before the first token, the sink of each query head, so that a softmax has a share for it that
 * `withoutSink` drops; the scores themselves where there is none. In front, so that sums over tokens are taken in the same
 * order however many come behind.
 */
export function withSink(graph: GraphBuilder, scores: string, { sinks, kvHead, perHead }: SinkPlace): string {
  if (sinks === undefined) return scores;
  const name = `sink${kvHead}`;
  const index = graph.constant(`${name}.head`, 'i64', [1], [kvHead]);
  const own = graph.node('Reshape', [
    graph.node('Gather', [sinks, index]),
    graph.constant(`${name}.column`, 'i64', [3], perHead),
  ]);
  const column = graph.node('Slice', [scores, ...lastAxisSlice(graph, name, 0, 1)]);
  const everyRow = graph.node('Expand', [own, graph.node('Shape', [column])]);
  return graph.node('Concat', [everyRow, scores], { attributes: { axis: 2 } });
}

/** The weights of tokens alone. */
export function withoutSink(graph: GraphBuilder, weights: string, { sinks, kvHead }: SinkPlace): string {
  if (sinks === undefined) return weights;
  return graph.node('Slice', [weights, ...lastAxisSlice(graph, `kept${kvHead}`, 1, Number.MAX_SAFE_INTEGER)]);
}

/** Elements [from, to) of the last of three axes. */
function lastAxisSlice(graph: GraphBuilder, name: string, from: number, to: number): string[] {
  const constant = (part: string, value: number) => graph.constant(`${name}.${part}`, 'i64', [1], [value]);
  return [constant('from', from), constant('to', to), constant('axis', 2)];
}
