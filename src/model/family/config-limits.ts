/**
 * The numbers of a config.json and how large each may be. Files are hostile: beyond these bounds the
 * arithmetic of sizes would lose its exactness, or a message would come too late, from an allocation.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { printable } from '../checkpoint/printable.js';

export const MAX_LAYERS = 1024;
export const MAX_HIDDEN = 262_144;
export const MAX_HEADS = 16_384;
export const MAX_HEAD_DIM = 8192;
export const MAX_FEED_FORWARD = 4_194_304;
export const MAX_VOCABULARY = 16_777_216;
export const MAX_CONTEXT_TOKENS = 16_777_216;
/** Bases of the rotary frequencies lie between 1e4 and 1e7; a model that hardly rotates has more. */
const MAX_THETA = 1e18;

export const MAX_EXPERTS = 1024;

/** A whole number from 1 to `most`. */
export function count(most: number): z.ZodType<number> {
  return z.number().int().min(1).max(most);
}

export const thetaSchema = z.number().min(1).max(MAX_THETA);
export const epsilonSchema = z.number().positive().max(1);

/** How many positions a row sees, its own included; none where it sees all. */
export const windowSchema = count(MAX_CONTEXT_TOKENS).nullish();
/** What scores or logits are bent to stay under. */
export const capSchema = z.number().min(1e-3).max(1e6).nullish();
/** A multiplier or divisor. */
export const scalarSchema = z.number().min(1e-6).max(1e6);
/** A share of a whole. */
export const shareSchema = z.number().positive().max(1);

/** The end and begin tokens, one or several or none. */
const tokenId = z
  .number()
  .int()
  .min(0)
  .max(MAX_VOCABULARY - 1);
export const tokenIdsSchema = z
  .union([tokenId, z.array(tokenId).max(1024)])
  .nullish()
  .transform((ids) => (ids === null || ids === undefined ? undefined : [ids].flat()));

/** Where a config came from: what messages name. */
export type ConfigFile = { readonly json: unknown; readonly path: string };

type Heads = { readonly heads: number; readonly kvHeads: number; readonly headDim: number };

/** @throws BAD_CHECKPOINT where heads, KV heads and widths do not go together */
export function checkHeads<T extends Heads>(sizes: T, path: string): T {
  const { heads, kvHeads, headDim } = sizes;
  if (heads % kvHeads !== 0) {
    throw bad(
      path,
      `num_attention_heads ${heads} can not share num_key_value_heads ${kvHeads}; the number must divide`,
    );
  }
  if (headDim % 2 !== 0) throw bad(path, `head_dim is ${headDim}; rotary positions need an even one`);
  return sizes;
}

/** The width of a head where the config does not say it. @throws BAD_CHECKPOINT where it is no whole number */
export function headDimOf(hidden: number, heads: number, path: string): number {
  if (hidden % heads === 0) return hidden / heads;
  throw bad(
    path,
    `hidden_size ${hidden} can not be split into num_attention_heads ${heads}; it must be a multiple`,
  );
}

export function bad(path: string, what: string): KvrError {
  return new KvrError('BAD_CHECKPOINT', `${path}: ${what}; correct it or fetch it again`);
}

/** @returns the error for a sound model with something in it that we do not run. */
export function unsupported(path: string, what: string, supported: string): KvrError {
  return new KvrError(
    'UNSUPPORTED_MODEL',
    `${path}: ${printable(what)} is not supported; supported: ${supported}`,
  );
}
