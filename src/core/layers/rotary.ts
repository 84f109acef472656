/**
 * How positions turn the pairs of a head, and how angles are stretched beyond the context that a model was trained for: one
 * schema, from which the types follow. Formulas: runtime/cpu/rows/rotary-frequencies.ts.
 */
import { z } from 'zod';

const count = z.number().int().positive();
const factor = z.number().positive();
/** Of the table of cos and sin, and so of q and k each. */
const attentionFactor = z.number().positive();
/** One a pair of the turned dimensions. */
const factors = z.array(factor).readonly();

const rotaryScalingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }).readonly(),
  z.object({ kind: z.literal('linear'), factor }).readonly(),
  z
    .object({
      kind: z.literal('llama3'),
      factor,
      lowFrequencyFactor: z.number().positive(),
      highFrequencyFactor: z.number().positive(),
      originalContextTokens: count,
    })
    .readonly(),
  z
    .object({
      kind: z.literal('yarn'),
      factor,
      betaFast: z.number().positive(),
      betaSlow: z.number().positive(),
      originalContextTokens: count,
      attentionFactor,
      /** The ends of the ramp are whole pairs. */
      isTruncated: z.boolean(),
    })
    .readonly(),
  /** Prompts of more than `originalContextTokens` take the long factors for every position, others the short ones. */
  z
    .object({
      kind: z.literal('longrope'),
      shortFactors: factors,
      longFactors: factors,
      originalContextTokens: count,
      attentionFactor,
    })
    .readonly(),
  /** The base grows with the prompt's length once that is over `originalContextTokens`. */
  z.object({ kind: z.literal('dynamic'), factor, originalContextTokens: count }).readonly(),
]);
export type RotaryScaling = z.infer<typeof rotaryScalingSchema>;

export const rotarySchema = z
  .object({
    /** How many dimensions of a head are turned, from its first on; even. The rest passes through. */
    dims: count,
    theta: z.number().positive(),
    scaling: rotaryScalingSchema,
    /** 'halves': x[j] and x[j + dims/2] are a pair. 'neighbours': x[2j] and x[2j + 1]. */
    pairs: z.enum(['halves', 'neighbours']),
  })
  .readonly();
/** Rotary positions of a layer. */
export type Rotary = z.infer<typeof rotarySchema>;

/** Whether a prompt of so many tokens has angles of its own, that shorter ones do not have. */
export function isStretchedAt({ scaling }: Rotary, promptTokens: number): boolean {
  const dependsOnLength = scaling.kind === 'longrope' || scaling.kind === 'dynamic';
  return dependsOnLength && promptTokens > scaling.originalContextTokens;
}
