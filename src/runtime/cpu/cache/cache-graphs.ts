/**
 * Keys and values on their way into an f16 cache, and out of a cache of either element type.
 */
import type { KvDtype } from '../../../core/shape.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import { ELEMENT_TYPES, type Graph, type ValueInfo } from '../../../model/graph/proto.js';

/** The largest number of f16. Keys beyond it would turn to infinity, and every score with them to NaN. */
const LARGEST_F16 = 65_504;

/** Declares rows of a cache as an input → the same in f32, which is what products take. */
export function cacheInput(
  graph: GraphBuilder,
  kvDtype: KvDtype,
  name: string,
  dims: ValueInfo['dims'],
): string {
  const rows = graph.input(name, kvDtype, dims);
  return kvDtype === 'f32' ? rows : graph.node('Cast', [rows], { attributes: { to: ELEMENT_TYPES.f32 } });
}

/** keys and values [elements] f32 → halfKeys and halfValues [elements] f16, rounded to nearest, what is too large to the largest. */
export function roundRows(): Graph {
  const graph = new GraphBuilder('round-rows');
  const least = graph.constant('least', 'f32', [], [-LARGEST_F16]);
  const most = graph.constant('most', 'f32', [], [LARGEST_F16]);
  for (const [from, to] of [
    ['keys', 'halfKeys'],
    ['values', 'halfValues'],
  ] as const) {
    const rows = graph.input(from, 'f32', ['elements']);
    const held = graph.node('Clip', [rows, least, most]);
    graph.node('Cast', [held], { attributes: { to: ELEMENT_TYPES.f16 }, outputs: [to] });
    graph.output(to, 'f16', ['elements']);
  }
  return graph.build();
}
