/**
 * Experts with tensors of their own for each: mlp.experts.E.{gate,up,down}_proj, with biases where there are any.
 */
import type { ExpertWeights, LinearWeights } from '../../core/checkpoint.js';
import type { ExpertsSpec } from '../../core/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import type { LayerTensors } from './layer-tensors.js';

export function hasSeparateExperts(tensors: LayerTensors): boolean {
  return tensors.has('mlp.experts.0.gate_proj.weight');
}

export function readSeparateExperts(
  tensors: LayerTensors,
  { count, feedForward }: ExpertsSpec,
  { hidden }: ModelShape,
): ExpertWeights[] {
  const linear = (expert: number, name: string, rows: number, columns: number): LinearWeights =>
    tensors.linear(`mlp.experts.${expert}.${name}_proj`, rows, columns);
  return Array.from({ length: count }, (_, expert) => ({
    gate: linear(expert, 'gate', feedForward, hidden),
    up: linear(expert, 'up', feedForward, hidden),
    down: linear(expert, 'down', hidden, feedForward),
  }));
}
