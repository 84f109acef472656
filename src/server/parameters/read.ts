/**
 * Names of the fields of a body that say nothing about the answer, which clients are told of. For every dialect.
 */

/** Names of ignored fields that are told of; a body may have a hundred thousand. */
const MAX_IGNORED = 50;
/** Of each of them. */
const MAX_NAME_CHARS = 200;

/** Names of fields that were left out of account, by their place, as in "messages.0.cache_control". */
export class Ignored {
  readonly #names: string[] = [];

  get names(): readonly string[] {
    return this.#names;
  }

  add(given: string): void {
    const name = given.slice(0, MAX_NAME_CHARS);
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

/** Clients send fields back as they got them, also those that say "nothing". */
export function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
