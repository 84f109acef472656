/**
 * What one layer of a model does, as data: norms, attention, MLP, residual. Families make specs of a config; graphs, bytes,
 * FLOPs, smoothing, costs and random weights read them, and nothing else knows a family.
 */
import { z } from 'zod';
import { rotarySchema } from './rotary.js';

const count = z.number().int().positive();

const attentionSpecSchema = z
  .object({
    /** What q·k is multiplied with. */
    scale: z.number().positive(),
    /** scores = cap·tanh(scores/cap), before the mask. */
    scoreCap: z.number().positive().optional(),
    /** How many positions a row sees, its own included; all before it unless given. */
    windowTokens: count.optional(),
    /** Every query head has a score more in its softmax, whose share is dropped. */
    hasSinks: z.boolean(),
    /** ALiBi: a score loses this times the head's slope (alibi.ts) for each position of distance; nothing unless given. */
    alibiScale: z.number().positive().optional(),
    /** Absent where positions do not turn queries and keys. */
    rotary: rotarySchema.optional(),
    /** The model's norm on queries and keys before they are turned: a head at a time, or the whole projection. */
    queryKeyNorm: z.enum(['none', 'head', 'projection']),
  })
  .readonly();
export type AttentionSpec = z.infer<typeof attentionSpecSchema>;

/** 'gelu': x·Φ(x). 'gelu-tanh': ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
const activation = z.enum(['silu', 'gelu', 'gelu-tanh']);
export type Activation = z.infer<typeof activation>;

const expertsSpecSchema = z
  .object({
    kind: z.literal('experts'),
    count,
    /** Experts that a row goes through. */
    chosen: count,
    /** Of an expert's inner rows. */
    feedForward: count,
    /**
     * Weights of the chosen: 'chosen', softmax over their scores alone; 'all', over all experts' scores, and their shares
     * as they are.
     */
    softmaxOver: z.enum(['chosen', 'all']),
    /** 'silu': down(silu(gate)·up). 'clamped': down((up + 1)·gate·sigmoid(1.702·gate)) with gate ≤ limit and |up| ≤ limit. */
    activation: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('silu') }).readonly(),
      z.object({ kind: z.literal('clamped'), limit: z.number().positive() }).readonly(),
    ]),
  })
  .readonly();
export type ExpertsSpec = z.infer<typeof expertsSpecSchema>;

/** 'gated': down(activation(gate(x))·up(x)). 'plain': down(activation(up(x))). Both as wide as the shape's feedForward. */
const mlpSpecSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('gated'), activation }).readonly(),
  z.object({ kind: z.literal('plain'), activation }).readonly(),
  expertsSpecSchema,
]);
export type MlpSpec = z.infer<typeof mlpSpecSchema>;

export const layerSpecSchema = z
  .object({
    /** Where norms stand: before attention and MLP, after them (on what they give), or on both sides. */
    norms: z.enum(['before', 'after', 'around']),
    /** 'sequential': h += attention(norm(h)); h += mlp(norm'(h)). 'parallel': h += attention(norm(h)) + mlp(norm'(h)). */
    residual: z.enum(['sequential', 'parallel']),
    /** True where attention and MLP read the same norm's output; only with a parallel residual. */
    sharesNorm: z.boolean(),
    /** What attention and MLP are multiplied with before they are added to the residual stream. */
    residualScale: z.number().positive(),
    attention: attentionSpecSchema,
    mlp: mlpSpecSchema,
  })
  .readonly();
export type LayerSpec = z.infer<typeof layerSpecSchema>;

/** Llama's attention, for heads of this width. */
function plainAttention(headDim: number, theta: number): AttentionSpec {
  return {
    scale: 1 / Math.sqrt(headDim),
    hasSinks: false,
    rotary: { dims: headDim, theta, scaling: { kind: 'none' }, pairs: 'halves' },
    queryKeyNorm: 'none',
  };
}

/** Llama's layer, which most families change in a few points. */
export function plainLayer(headDim: number, theta: number): LayerSpec {
  return {
    norms: 'before',
    residual: 'sequential',
    sharesNorm: false,
    residualScale: 1,
    attention: plainAttention(headDim, theta),
    mlp: { kind: 'gated', activation: 'silu' },
  };
}

/** How many matrices of hidden × feedForward an MLP has. */
export function mlpMatrices({ kind }: MlpSpec): number {
  return kind === 'plain' ? 2 : 3;
}
