/**
 * Experts as a config describes them.
 */
import type { ExpertsSpec } from '../../core/layers/layer-spec.js';
import type { CommonConfig } from './common-config.js';
import { activationOf } from './common-config.js';
import { bad, unsupported } from './config-limits.js';

/** @throws BAD_CHECKPOINT where a row is to go through more experts than there are, UNSUPPORTED_MODEL for their activation */
export function checkedExperts(common: CommonConfig, spec: ExpertsSpec): ExpertsSpec {
  const { path } = common.file;
  if (spec.chosen > spec.count)
    throw bad(path, `num_experts_per_tok is ${spec.chosen}, there are ${spec.count} experts`);
  if (activationOf(common, 'silu') !== 'silu')
    throw unsupported(path, `hidden_act ${common.activation} of experts`, 'silu');
  return spec;
}
