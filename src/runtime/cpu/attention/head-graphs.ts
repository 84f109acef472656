/**
 * What the attention graphs that work head by head have in common.
 */
import type { GraphBuilder } from '../../../model/graph/graph-builder.js';

/** queries [kvHeads, …] → one [1, …] for every KV head. */
export function splitHeads(graph: GraphBuilder, queries: string, kvHeads: number): string[] {
  if (kvHeads === 1) return [queries];
  const outputs = Array.from({ length: kvHeads }, (_, head) => `q${head}`);
  graph.node('Split', [queries], { attributes: { axis: 0, num_outputs: kvHeads }, outputs });
  return outputs;
}
