/**
 * Reads JSON that a server sent, checked against its schema once, at the edge.
 */
import type { ZodMiniType } from 'zod/mini';

/** @returns undefined for what is not JSON or has another shape */
export function parseJson<T>(json: string, schema: ZodMiniType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
