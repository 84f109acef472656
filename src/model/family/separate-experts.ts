/**
 * Experts with tensors of their own for each, mlp.experts.E.{gate,up,down}_proj, in a model that may have them in one
 * tensor instead.
 */
import type { ExpertWeights, ExpertsWeights, LinearWeights } from '../../core/checkpoint.js';
import type { ExpertsSpec } from '../../core/layers/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import { readFusedExperts } from './fused-experts.js';
import type { LayerTensors } from './layer-tensors.js';

export function readEitherExperts(
  tensors: LayerTensors,
  spec: ExpertsSpec,
  shape: ModelShape,
): ExpertsWeights {
  if (!tensors.has('mlp.experts.0.gate_proj.weight')) return readFusedExperts(tensors, spec, shape);
  const router = tensors.linear('mlp.router', spec.count, shape.hidden);
  const experts = Array.from({ length: spec.count }, (_, index) => expertOf(tensors, index, spec, shape));
  return { kind: 'experts', router, experts };
}

function expertOf(
  tensors: LayerTensors,
  index: number,
  { feedForward }: ExpertsSpec,
  { hidden }: ModelShape,
): ExpertWeights {
  const linear = (name: string, rows: number, columns: number): LinearWeights =>
    tensors.linear(`mlp.experts.${index}.${name}_proj`, rows, columns);
  return {
    gate: linear('gate', feedForward, hidden),
    up: linear('up', feedForward, hidden),
    down: linear('down', hidden, feedForward),
  };
}
