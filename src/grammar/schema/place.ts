/**
 * Where in a schema a reader is: the path that errors name, and how many schemas lie around it.
 */
import type { Term } from '../terms/terms.js';

export type Place = { readonly path: string; readonly depth: number };

/** Reads the schemas inside of one: what the readers of the types are given. */
export type Read = (schema: unknown, place: Place) => Term;

/** @param keys that lead to it; none for a schema that stands for the same place */
export function inside({ path, depth }: Place, ...keys: readonly (string | number)[]): Place {
  return { path: [path, ...keys].join('/'), depth: depth + 1 };
}
