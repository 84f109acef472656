/**
 * JSON with a checksum of itself, for the cache's small files: one flipped bit in a digit would be another number and still
 * JSON. Pure.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

const sealedSchema = z.object({ sum: z.string(), kept: z.unknown() });

/** @param value what JSON can hold */
export function sealJson(value: unknown): string {
  return JSON.stringify({ sum: sumOf(JSON.stringify(value)), kept: value }, undefined, 1);
}

/** @returns the value, or undefined where the text is not exactly what was sealed */
export function openSealed(text: string): unknown {
  const sealed = sealedSchema.safeParse(jsonOrUndefined(text)).data;
  if (sealed?.kept === undefined) return undefined;
  return sumOf(JSON.stringify(sealed.kept)) === sealed.sum ? sealed.kept : undefined;
}

function sumOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 32);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Torn or damaged: the same as a wrong checksum.
    return undefined;
  }
}
