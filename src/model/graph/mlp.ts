/**
 * The MLP of a layer as nodes: gated or plain, or experts of which a row takes a few.
 */
import type { ExpertsWeights, MlpWeights } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { Activation, MlpSpec } from '../../core/layers/layer-spec.js';
import { addActivation } from './activations.js';
import { addExperts } from './experts.js';
import type { GraphTarget } from './graph-target.js';
import { addLinear, addLinearOf, addUnscaledLinear } from './linear.js';

/** x [1, rows, hidden] → [1, rows, hidden]. */
export async function addMlp(
  target: GraphTarget,
  spec: MlpSpec,
  weights: MlpWeights | ExpertsWeights,
  x: string,
): Promise<string> {
  if (spec.kind === 'experts' && weights.kind === 'experts') return addExperts(target, spec, weights, x);
  if (spec.kind === 'gated' && weights.kind === 'dense') return addGated(target, spec.activation, weights, x);
  if (spec.kind === 'plain' && weights.kind === 'dense') return addPlain(target, spec.activation, weights, x);
  throw new KvrError('INTERNAL', `an MLP of kind ${spec.kind} has weights of kind ${weights.kind}`);
}

async function addGated(
  target: GraphTarget,
  activation: Activation,
  { gate, up, down }: MlpWeights,
  x: string,
): Promise<string> {
  if (!gate) throw new KvrError('INTERNAL', 'a gated MLP has no gate');
  const wide = await addUnscaledLinear(target, 'up', x, up);
  const active = addActivation(target.graph, activation, await addLinear(target, 'gate', x, gate));
  const inner = target.graph.node('Mul', [active, wide.values]);
  return addLinearOf(target, 'down', { ...wide, values: inner }, down);
}

async function addPlain(
  target: GraphTarget,
  activation: Activation,
  { up, down }: MlpWeights,
  x: string,
): Promise<string> {
  const active = addActivation(target.graph, activation, await addLinear(target, 'up', x, up));
  return addLinear(target, 'down', active, down);
}
