/**
 * Tells a body's fields apart: those an endpoint honours, those that say nothing about the answer and are ignored, and those
 * that would change it and are refused by name. For every dialect.
 */
import { unsupported } from '../requests/refusal.js';
import type { RefusedParameters } from './refused.js';

/** Names of ignored fields that are told of; a body may have a hundred thousand. */
const MAX_IGNORED = 50;

/** Names of fields that were left out of account, by their place, as in "messages.0.cache_control". */
export class Ignored {
  readonly #names: string[] = [];

  get names(): readonly string[] {
    return this.#names;
  }

  add(name: string): void {
    if (this.#names.length < MAX_IGNORED && !this.#names.includes(name)) this.#names.push(name);
  }

  /** Notes the fields that are not known. @param path of the object, with a point at its end; empty for a body */
  addUnknown(given: Readonly<Record<string, unknown>>, known: readonly string[], path: string): void {
    for (const [name, value] of Object.entries(given))
      if (!known.includes(name) && !isNothing(value)) this.add(`${path}${name}`);
  }

  /** @returns the fields that are known; the others are noted */
  keepKnown(
    given: Readonly<Record<string, unknown>>,
    known: readonly string[],
    path: string,
  ): Record<string, unknown> {
    this.addUnknown(given, known, path);
    return Object.fromEntries(Object.entries(given).filter(([name]) => known.includes(name)));
  }
}

/**
 * @param known what the endpoint honours
 * @param refused what it refuses, unless the value asks for nothing; what is known is never looked for here
 * @returns the known fields; null counts as absent. @throws UNSUPPORTED_PARAMETER with the field `param`
 */
export function readFields(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  refused: RefusedParameters,
  ignored: Ignored,
): Record<string, unknown> {
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  for (const [name, value] of Object.entries(fields)) {
    if (known.includes(name) || !Object.hasOwn(refused, name)) continue;
    if (refused[name]?.(value) !== true) throw unsupported(name);
    delete fields[name];
  }
  return ignored.keepKnown(fields, known, '');
}

/** Clients send fields back as they got them, also those that say "nothing". */
export function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
