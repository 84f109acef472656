/**
 * Experts with tensors of their own for each.
 */
import type { ExpertWeights, ExpertsWeights } from '../../core/checkpoint.js';
import type { ExpertsSpec } from '../../core/layers/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import { readFusedExperts } from './fused-experts.js';
import type { LayerTensors } from './layer-tensors.js';

export type ExpertNames = {
  readonly router: string;
  /** Before an expert's number and its three names. */
  readonly experts: string;
  readonly gate: string;
  readonly up: string;
  readonly down: string;
};

const NAMES: ExpertNames = {
  router: 'mlp.gate',
  experts: 'mlp.experts',
  gate: 'gate_proj',
  up: 'up_proj',
  down: 'down_proj',
};

type ReadExperts = (tensors: LayerTensors, spec: ExpertsSpec, shape: ModelShape) => ExpertsWeights;

/** Under the names that most families have, but for those given. */
export function separateExperts(change: Partial<ExpertNames> = {}): ReadExperts {
  const names = { ...NAMES, ...change };
  return (tensors, { count, feedForward }, { hidden }) => {
    const expert = (index: number): ExpertWeights => {
      const at = `${names.experts}.${index}`;
      return {
        gate: tensors.linear(`${at}.${names.gate}`, feedForward, hidden),
        up: tensors.linear(`${at}.${names.up}`, feedForward, hidden),
        down: tensors.linear(`${at}.${names.down}`, hidden, feedForward),
      };
    };
    const experts = Array.from({ length: count }, (_, index) => expert(index));
    return { kind: 'experts', router: tensors.linear(names.router, count, hidden), experts };
  };
}

const readRouted = separateExperts({ router: 'mlp.router' });

/** Of a model that may have them in one tensor instead. */
export const readEitherExperts: ReadExperts = (tensors, spec, shape) =>
  tensors.has(`${NAMES.experts}.0.${NAMES.gate}.weight`)
    ? readRouted(tensors, spec, shape)
    : readFusedExperts(tensors, spec, shape);
