/**
 * Rotary positions as configs write them: rope_theta and rope_scaling side by side, or both inside
 * rope_parameters, with the kind under `rope_type` or, before that, `type`.
 */
import { z } from 'zod';
import type { RotaryScaling } from '../../core/shape.js';
import { checkJson } from '../checkpoint/json-file.js';
import { MAX_CONTEXT_TOKENS, count, thetaSchema, unsupported } from './config.js';
import type { ConfigFile } from './config.js';

/** The base that every config without one means. */
const DEFAULT_THETA = 10_000;
const SUPPORTED = 'none, linear, llama3';

const factor = z.number().min(1).max(1e6);
const parameters = z.looseObject({
  rope_type: z.string().max(64).optional(),
  type: z.string().max(64).optional(),
  rope_theta: thetaSchema.nullish(),
});
const rotarySchema = z.object({
  rope_theta: thetaSchema.nullish(),
  rope_scaling: parameters.nullish(),
  rope_parameters: parameters.nullish(),
  partial_rotary_factor: z.number().nullish(),
});
const linearSchema = z.object({ factor });
const llama3Schema = z
  .object({
    factor,
    low_freq_factor: z.number().positive().max(1e6),
    high_freq_factor: z.number().positive().max(1e6),
    original_max_position_embeddings: count(MAX_CONTEXT_TOKENS),
  })
  .refine((value) => value.low_freq_factor < value.high_freq_factor, {
    path: ['low_freq_factor'],
    message: 'it must be below high_freq_factor',
  });

export type Rotary = { readonly theta: number; readonly scaling: RotaryScaling };

/** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL for another kind of scaling, by name */
export function readRotary({ json, path }: ConfigFile): Rotary {
  const config = checkJson(rotarySchema, json, path);
  if ((config.partial_rotary_factor ?? 1) !== 1) {
    throw unsupported(path, `partial_rotary_factor ${config.partial_rotary_factor}`, '1, the whole head');
  }
  const written = config.rope_parameters ?? config.rope_scaling ?? {};
  const theta = config.rope_parameters?.rope_theta ?? config.rope_theta ?? DEFAULT_THETA;
  return { theta, scaling: scalingOf(written, path) };
}

function scalingOf(written: z.infer<typeof parameters>, path: string): RotaryScaling {
  const kind =
    written.rope_type ?? written.type ?? (Object.hasOwn(written, 'factor') ? 'without a type' : 'default');
  switch (kind) {
    case 'default':
      return { kind: 'none' };
    case 'linear':
      return { kind: 'linear', factor: checkJson(linearSchema, written, path).factor };
    case 'llama3':
      return llama3Of(checkJson(llama3Schema, written, path));
    default:
      throw unsupported(path, `rope scaling ${kind}`, SUPPORTED);
  }
}

function llama3Of(written: z.infer<typeof llama3Schema>): RotaryScaling {
  return {
    kind: 'llama3',
    factor: written.factor,
    lowFrequencyFactor: written.low_freq_factor,
    highFrequencyFactor: written.high_freq_factor,
    originalContextTokens: written.original_max_position_embeddings,
  };
}
