/**
 * The MLP of the reference pass, dense or of experts. Used by block.ts.
 */
import type { ExpertsWeights, ExpertWeights, MlpWeights } from '../../src/core/checkpoint.js';
import type { Activation, ExpertsSpec, MlpSpec } from '../../src/core/layers/layer-spec.js';
import { gelu, geluTanh, silu, softmax } from './functions.js';
import { applyLinear, loadLinear } from './matrix.js';
import type { LoadedLinear } from './matrix.js';

type LoadedDense = { readonly gate?: LoadedLinear; readonly up: LoadedLinear; readonly down: LoadedLinear };
export type LoadedMlp =
  | { readonly dense: LoadedDense }
  | { readonly router: LoadedLinear; readonly experts: readonly LoadedDense[] };

export async function loadMlp(weights: MlpWeights | ExpertsWeights): Promise<LoadedMlp> {
  if (weights.kind === 'dense') return { dense: await loadDense(weights) };
  return {
    router: await loadLinear(weights.router),
    experts: await Promise.all(weights.experts.map(loadDense)),
  };
}

async function loadDense({ gate, up, down }: Omit<MlpWeights, 'kind'> | ExpertWeights): Promise<LoadedDense> {
  return {
    ...(gate && { gate: await loadLinear(gate) }),
    up: await loadLinear(up),
    down: await loadLinear(down),
  };
}

export function applyMlp(spec: MlpSpec, mlp: LoadedMlp, x: Float64Array): Float64Array {
  if ('dense' in mlp) return spec.kind === 'experts' ? wrong() : applyDense(spec.activation, mlp.dense, x);
  return spec.kind === 'experts' ? mixture(spec, mlp, x) : wrong();
}

function wrong(): never {
  throw new Error('the spec and the weights of an MLP are of different kinds');
}

function applyDense(activation: Activation, { gate, up, down }: LoadedDense, x: Float64Array): Float64Array {
  const active = { silu, gelu, 'gelu-tanh': geluTanh }[activation];
  const wide = applyLinear(up, x);
  if (!gate) return applyLinear(down, wide.map(active));
  const gates = applyLinear(gate, x);
  return applyLinear(
    down,
    wide.map((value, i) => value * active(gates[i]!)),
  );
}

/** The best experts of x, weighted by a softmax over their scores, or over all. */
function mixture(
  spec: ExpertsSpec,
  { router, experts }: Extract<LoadedMlp, { router: LoadedLinear }>,
  x: Float64Array,
): Float64Array {
  const scores = applyLinear(router, x);
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, spec.chosen);
  const shares =
    spec.softmaxOver === 'chosen'
      ? softmax(Float64Array.from(order, (expert) => scores[expert]!))
      : Float64Array.from(order, (expert) => softmax(scores.slice())[expert]!);
  const mixed = new Float64Array(x.length);
  order.forEach((expert, place) =>
    applyExpert(spec, experts[expert]!, x).forEach((value, i) => (mixed[i]! += shares[place]! * value)),
  );
  return mixed;
}

function applyExpert({ activation }: ExpertsSpec, expert: LoadedDense, x: Float64Array): Float64Array {
  if (activation.kind === 'silu') return applyDense('silu', expert, x);
  const { limit } = activation;
  const gates = applyLinear(expert.gate!, x).map((value) => Math.min(value, limit));
  const wide = applyLinear(expert.up, x).map((value) => Math.max(-limit, Math.min(limit, value)));
  return applyLinear(
    expert.down,
    wide.map((value, i) => ((value + 1) * gates[i]!) / (1 + Math.exp(-1.702 * gates[i]!))),
  );
}
