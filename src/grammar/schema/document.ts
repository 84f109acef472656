/**
 * A whole schema, as those see it who read its parts: what references lead to, and a count that bounds how many parts
 * it comes to, each reference with something beside it counted anew.
 */
import { merge } from './merge.js';
import { inside, type Place } from './place.js';
import { resolve } from './pointer.js';
import type { Meter } from '../limits/meter.js';
import { fault, isSchema, ofMeaning, type Schema } from './schema.js';

export const MAX_SCHEMA_DEPTH = 64;
const MAX_SCHEMAS = 20_000;
/** Characters of a text that are gone over in about the time of one part. */
const CHARS_PER_PART = 8;

export class SchemaDocument {
  readonly #root: unknown;
  /** What all parts of the schema cost together. */
  readonly meter: Meter;
  #count = 0;

  constructor(root: unknown, meter: Meter) {
    this.#root = root;
    this.meter = meter;
  }

  /** Counts a schema that is read. @throws BAD_INPUT where it lies too deep, or is one too many */
  count({ path, depth }: Place, schema: Schema): void {
    this.meter.spend(1 + Object.keys(schema).length);
    if (depth > MAX_SCHEMA_DEPTH)
      throw fault(path, `the schema is deeper than ${MAX_SCHEMA_DEPTH}; flatten it`);
    if (++this.#count > MAX_SCHEMAS) throw fault(path, `the schema comes to more than ${MAX_SCHEMAS} parts`);
  }

  /** @throws BAD_INPUT */
  resolve(pointer: unknown, { path }: Place): unknown {
    this.meter.spend(1 + String(pointer).length / CHARS_PER_PART);
    return resolve(this.#root, pointer, path);
  }

  /** A schema as an object with its references followed. @throws BAD_INPUT */
  plain(schema: unknown, place: Place): Schema {
    const { path, depth } = place;
    if (schema === true) return {};
    if (!isSchema(schema)) throw fault(path, 'allOf, anyOf and oneOf take objects here');
    if (depth > MAX_SCHEMA_DEPTH || ++this.#count > MAX_SCHEMAS)
      throw fault(path, 'the schema refers to itself without end');
    this.meter.spend(1 + Object.keys(schema).length);
    const own = ofMeaning(schema, path);
    if (!('$ref' in own)) return own;
    const { $ref: pointer, ...rest } = own;
    return merge(rest, this.plain(this.resolve(pointer, place), inside(place)), path, this.meter);
  }
}
