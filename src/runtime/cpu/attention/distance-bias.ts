/**
 * What distance costs a score where a layer has ALiBi: an input of the attention graphs beside the keys, and its numbers. A
 * softmax does not change where all scores of a row lose the same, so distances may count from any one position for all rows
 * of a call; it is one that does not depend on where a slice begins.
 */
import { alibiSlopes } from '../../../core/layers/alibi.js';
import type { GraphBuilder } from '../../../model/graph/graph-builder.js';
import type { ValueInfo } from '../../../model/graph/proto.js';
import { type Feeds, floats } from '../../sessions/kernels.js';
import type { AttentionShape } from './attention-shape.js';

/** Where the query heads of a KV head lie among the three axes of scores: [group, rows, tokens], or of one row [1, group, tokens]. */
export type GroupAxis = 0 | 1;

/** scores + bias{head}, declared [group, 1, tokens] or [1, group, tokens]; the scores themselves where distance costs nothing. */
export function withDistances(
  graph: GraphBuilder,
  { heads, kvHeads, alibiScale }: AttentionShape,
  scores: string,
  { name, axis, tokens }: { readonly name: string; readonly axis: GroupAxis; readonly tokens: string },
): string {
  if (alibiScale === undefined) return scores;
  const group = heads / kvHeads;
  const dims: ValueInfo['dims'] = axis === 0 ? [group, 1, tokens] : [1, group, tokens];
  return graph.node('Add', [scores, graph.input(name, 'f32', dims)]);
}

/** The same for scores [1, group·rows, tokens]. */
export function withStackedDistances(
  graph: GraphBuilder,
  shape: AttentionShape,
  scores: string,
  place: { readonly name: string; readonly tokens: string },
): string {
  if (shape.alibiScale === undefined) return scores;
  const group = shape.heads / shape.kvHeads;
  const reshaped = (of: string, name: string, first: number): string =>
    graph.node('Reshape', [of, graph.constant(`${place.name}.${name}`, 'i64', [3], [first, -1, 0])]);
  const byHead = withDistances(graph, shape, reshaped(scores, 'byHead', group), { ...place, axis: 0 });
  return reshaped(byHead, 'stacked', 1);
}

/** The biases of rows [from, to), and which position they count from. */
export type Distances = { readonly from: number; readonly to: number; readonly origin: number };

/** For every KV head `name(head)` as declared; nothing where distance costs nothing. */
export function distanceFeeds(
  { heads, kvHeads, alibiScale }: AttentionShape,
  { from, to, origin }: Distances,
  axis: GroupAxis,
  name: (head: number) => string = (head) => `bias${head}`,
): Feeds {
  if (alibiScale === undefined) return {};
  const group = heads / kvHeads;
  const tokens = to - from;
  const slopes = alibiSlopes(heads);
  const feeds: Feeds = {};
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
    const bias = new Float32Array(group * tokens);
    for (let member = 0; member < group; member++) {
      const slope = alibiScale * (slopes[kvHead * group + member] ?? 0);
      for (let token = 0; token < tokens; token++)
        bias[member * tokens + token] = slope * (from + token - origin);
    }
    feeds[name(kvHead)] = floats(bias, axis === 0 ? [group, 1, tokens] : [1, group, tokens]);
  }
  return feeds;
}
