/**
 * Where in a schema a reader is: the path that errors name, and how many schemas lie around it.
 */
import type { Meter } from '../limits/meter.js';
import type { Term } from '../terms/terms.js';

export type Place = { readonly path: string; readonly depth: number };

/** Reads the schemas inside of one: what the readers of the types are given. */
export type Read = (schema: unknown, place: Place) => Term;

/** What a reader of one type works with: how to read inner schemas, and what its own work is counted by. */
export type Reading = { readonly read: Read; readonly meter: Meter };

/** @param keys that lead to it; none for a schema that stands for the same place */
export function inside({ path, depth }: Place, ...keys: readonly (string | number)[]): Place {
  // Put together bit by bit, and so not copied: names may be long, and there are many places below one.
  return { path: keys.reduce<string>((before, key) => `${before}/${key}`, path), depth: depth + 1 };
}
