/**
 * A whole schema, as those see it who read its parts: what references lead to, and a count that bounds how many parts
 * it comes to.
 */
import { KvrError } from '../../core/errors.js';
import type { Meter } from '../limits/meter.js';
import { matcherOf, type Matches } from '../regular/text-language.js';
import { readPattern } from '../regular/reader.js';
import type { Place } from './place.js';
import { type Named, namedParts, resolve } from './pointer.js';
import { fault, REFERENCES, type Schema } from './schema.js';

export const MAX_SCHEMA_DEPTH = 64;
const MAX_SCHEMAS = 20_000;
/** Characters of a text that are gone over in about the time of one part. */
const CHARS_PER_PART = 8;

export class SchemaDocument {
  readonly #root: unknown;
  /** What all parts of the schema cost together. */
  readonly meter: Meter;
  /** Told what of the schema answers are not held to. */
  readonly onLoosened: (what: string) => void;
  #count = 0;
  #named: Named | undefined;
  readonly #numbers = new Map<unknown, number>();
  readonly #joined = new Map<string, Schema>();
  readonly #matchers = new Map<string, Matches>();

  constructor(root: unknown, meter: Meter, onLoosened: (what: string) => void) {
    this.#root = root;
    this.meter = meter;
    this.onLoosened = onLoosened;
  }

  /** Counts a schema that is read. @throws BAD_INPUT where it lies too deep, or is one too many */
  count({ path, depth }: Place, schema: Schema): void {
    this.meter.spend(1 + Object.keys(schema).length);
    if (depth > MAX_SCHEMA_DEPTH)
      throw fault(path, `the schema is deeper than ${MAX_SCHEMA_DEPTH}; flatten it`);
    if (++this.#count > MAX_SCHEMAS) throw fault(path, `the schema comes to more than ${MAX_SCHEMAS} parts`);
  }

  /** Counts a schema that holds for the same value as the one it stands in. @throws BAD_INPUT */
  follow({ path, depth }: Place, schema: Schema): void {
    this.meter.spend(1 + Object.keys(schema).length);
    if (depth > MAX_SCHEMA_DEPTH || ++this.#count > MAX_SCHEMAS)
      throw fault(path, 'the schema refers to itself without end');
  }

  /** What the references of a schema lead to. @throws BAD_INPUT */
  targetsOf(schema: Schema, { path }: Place): readonly unknown[] {
    return REFERENCES.filter((key) => Object.hasOwn(schema, key)).map((key) => {
      this.meter.spend(1 + String(schema[key]).length / CHARS_PER_PART);
      return resolve(this.#root, schema[key], path, () => (this.#named ??= namedParts(this.#root)));
    });
  }

  /** One schema that asks what all of them ask; the same one for the same ones. */
  together(schemas: readonly unknown[]): unknown {
    const asking = [...new Set(schemas)].filter((one) => one !== true);
    this.meter.spend(schemas.length);
    if (asking.length === 0) return true;
    if (asking.length === 1) return asking[0];
    const key = asking.map((one) => this.#numberOf(one)).join();
    const known = this.#joined.get(key) ?? { allOf: asking };
    this.#joined.set(key, known);
    return known;
  }

  /** Whether a text matches a pattern. @throws BAD_INPUT for one that is none */
  matches(pattern: unknown, text: string): boolean {
    if (typeof pattern !== 'string') throw new KvrError('BAD_INPUT', 'a pattern must be a text');
    this.meter.spend(1 + text.length / CHARS_PER_PART);
    const known =
      this.#matchers.get(pattern) ??
      matcherOf([{ tree: readPattern(pattern, this.meter), isNegated: false }], this.meter);
    this.#matchers.set(pattern, known);
    return known(text);
  }

  #numberOf(schema: unknown): number {
    const number = this.#numbers.get(schema) ?? this.#numbers.size;
    this.#numbers.set(schema, number);
    return number;
  }
}
