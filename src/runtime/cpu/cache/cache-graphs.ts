/**
 * Keys and values on their way into an f16 cache, and out of a cache of any element type.
 */
import type { KvDtype } from '../../../core/shape.js';
import { GraphBuilder } from '../../../model/graph/graph-builder.js';
import { ELEMENT_TYPES, type Graph, type ValueInfo } from '../../../model/graph/proto.js';

/** The largest number of f16. Keys beyond it would turn to infinity, and every score with them to NaN. */
const LARGEST_F16 = 65_504;

/**
 * Declares rows of a cache as an input → the same in f32, which is what products take; of a q8 cache their scales beside
 * them. Rows come one after another, [rows, D], or in pieces, [pieces, rows, D].
 */
export function cacheInput(
  graph: GraphBuilder,
  kvDtype: KvDtype,
  name: string,
  dims: ValueInfo['dims'],
): string {
  switch (kvDtype) {
    case 'f32':
      return graph.input(name, 'f32', dims);
    case 'f16':
      return graph.node('Cast', [graph.input(name, 'f16', dims)], { attributes: { to: ELEMENT_TYPES.f32 } });
    case 'q8':
      return scaledInput(graph, name, dims);
  }
}

/** A scale for each row: kernels take one axis of those, so that pieces are made afterwards, without a copy. */
function scaledInput(graph: GraphBuilder, name: string, dims: ValueInfo['dims']): string {
  const [width = 0, rows = 0] = [...dims].reverse();
  const scale = scaleName(name);
  const numbers = graph.input(name, 'i8', [scale, width]);
  const full = graph.node('DequantizeLinear', [numbers, graph.input(scale, 'f32', [scale])], {
    attributes: { axis: 0 },
  });
  if (dims.length === 2) return full;
  return graph.node('Reshape', [
    full,
    graph.constant(`${name}Pieces`, 'i64', [3], [-1, rows, width].map(Number)),
  ]);
}

/** The input with the scales of rows. */
export function scaleName(rows: string): string {
  return `${rows}Scale`;
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
