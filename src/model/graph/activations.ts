/**
 * What an MLP does to its inner rows, as nodes.
 */
import type { Activation } from '../../core/layers/layer-spec.js';
import type { GraphBuilder } from './graph-builder.js';

export function addActivation(graph: GraphBuilder, activation: Activation, x: string): string {
  switch (activation) {
    case 'silu':
      return addSwish(graph, x, 1);
    case 'gelu':
      return graph.node('Gelu', [x], { domain: 'com.microsoft' });
    case 'gelu-tanh':
      return graph.node('FastGelu', [x], { domain: 'com.microsoft' });
  }
}

/** x·sigmoid(alpha·x), in one pass; with alpha 1 it is SiLU. */
export function addSwish(graph: GraphBuilder, x: string, alpha: number): string {
  return graph.node('QuickGelu', [x], { domain: 'com.microsoft', attributes: { alpha: { float: alpha } } });
}
