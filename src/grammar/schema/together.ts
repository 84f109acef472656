/**
 * Schemas that hold for the same value, each without references and combinations: what they ask, keyword by keyword. Pure.
 */
import type { Schema } from './schema.js';

export type Together = readonly Schema[];

/** A schema that has the keyword, and its value. */
export type Asked<T> = { readonly schema: Schema; readonly value: T };

export function askedOf(parts: Together, keyword: string | symbol): Asked<unknown>[] {
  return parts.flatMap((schema) =>
    Object.hasOwn(schema, keyword) && schema[keyword] !== undefined
      ? [{ schema, value: schema[keyword] }]
      : [],
  );
}
