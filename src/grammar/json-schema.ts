/**
 * JSON schema → terms. Every text that matches is valid against the schema; what is not supported is refused by name,
 * never ignored. Some valid texts are left out: properties come in the order they are listed in, and beside listed
 * ones others only where additionalProperties says so. The kinds of schemas are in schema/.
 */
import type { Meter } from './limits/meter.js';
import { leastChars } from './limits/value-size.js';
import * as json from './terms/json-text.js';
import { arrayTerm } from './schema/array.js';
import { joinAll, optionsOf } from './schema/combined.js';
import { SchemaDocument } from './schema/document.js';
import { numberTerm } from './schema/number.js';
import { objectTerm } from './schema/object.js';
import { inside, type Place, type Read } from './schema/place.js';
import { fault, isSchema, ofMeaning, type Schema } from './schema/schema.js';
import { stringTerm } from './schema/string.js';
import { type JsonType, typesOf } from './schema/types.js';
import { valuesTerm } from './schema/values.js';
import { choice, IMPOSSIBLE, later, type Term } from './terms/terms.js';

export const MAX_SCHEMA_CHARS = 100_000;
export { MAX_SCHEMA_DEPTH } from './schema/document.js';

/** Called with the term of each pattern, before it becomes part of a larger one. @throws what is wrong with it */
type OnPattern = (term: Term, path: string) => void;

/** @throws BAD_INPUT naming the place and what is wrong with it */
export function schemaTerm(schema: unknown, meter: Meter, onPattern: OnPattern = () => undefined): Term {
  return new SchemaReader(schema, meter, onPattern).read(schema, { path: '#', depth: 0 });
}

class SchemaReader {
  readonly #document: SchemaDocument;
  readonly #meter: Meter;
  readonly #onPattern: OnPattern;
  readonly #references = new Map<unknown, Term>();
  /** What was read before: references lead to the same schemas again and again. */
  readonly #known = new Map<Schema, Term>();

  constructor(root: unknown, meter: Meter, onPattern: OnPattern) {
    this.#onPattern = onPattern;
    this.#meter = meter;
    this.#document = new SchemaDocument(root, meter);
  }

  readonly read: Read = (schema, place) => {
    this.#meter.spend(1);
    if (schema === true) return json.ANY_VALUE;
    if (schema === false) return IMPOSSIBLE;
    if (!isSchema(schema)) throw fault(place.path, 'a schema must be an object, true or false');
    const known = this.#known.get(schema);
    if (known) return known;
    this.#document.count(place, schema);
    const term = this.#readMeaning(ofMeaning(schema, place.path), place);
    this.#known.set(schema, term);
    return term;
  };

  #readMeaning(schema: Schema, place: Place): Term {
    if ('$ref' in schema) return this.#readReference(schema, place);
    if ('allOf' in schema) return this.#readAll(schema, place);
    if ('anyOf' in schema || 'oneOf' in schema) return this.#readAny(schema, place);
    if ('const' in schema || 'enum' in schema) return valuesTerm(schema, place.path, this.#meter);
    const types = typesOf(schema, place.path);
    if (!types) return json.ANY_VALUE;
    return choice(...types.map((type) => this.#readType(type, schema, place)));
  }

  /** A schema may refer to itself: whoever meets the reference again gets the same term. */
  #readReference({ $ref: pointer, ...rest }: Schema, place: Place): Term {
    const target = this.#document.resolve(pointer, place);
    const isAlone = Object.keys(rest).length === 0;
    const key = isAlone ? String(pointer) : this.#keyOf(pointer, rest);
    const known = this.#references.get(key);
    if (known) return known;
    let made: Term = IMPOSSIBLE;
    const reference = later(() => made);
    this.#references.set(key, reference);
    made = isAlone
      ? this.read(target, { path: String(pointer), depth: place.depth + 1 })
      : this.#readAll({ allOf: [rest, target] }, place);
    return reference;
  }

  /** The same reference with the same words beside it means the same. */
  #keyOf(pointer: unknown, rest: Schema): string {
    this.#meter.spend(leastChars(rest, this.#meter.left));
    return JSON.stringify([pointer, rest]);
  }

  #readAll(schema: Schema, place: Place): Term {
    return this.read(joinAll(this.#document, schema, place), inside(place));
  }

  #readAny(schema: Schema, place: Place): Term {
    const options = optionsOf(this.#document, schema, place);
    return choice(...Array.from(options, ([option, where]) => this.read(option, where)));
  }

  /** Patterns are what makes a text's readings many, so each is looked at by itself. */
  #readString(schema: Schema, place: Place): Term {
    const term = stringTerm(schema, place.path, this.#meter);
    if ('pattern' in schema) this.#onPattern(term, place.path);
    return term;
  }

  #readType(type: JsonType, schema: Schema, place: Place): Term {
    switch (type) {
      case 'object':
        return objectTerm(schema, place, { read: this.read, meter: this.#meter });
      case 'array':
        return arrayTerm(schema, place, this.read);
      case 'string':
        return json.quoted(this.#readString(schema, place));
      case 'number':
      case 'integer':
        return numberTerm(schema, place.path, type === 'integer', this.#meter);
      case 'boolean':
        return json.BOOLEAN;
      case 'null':
        return json.NULL;
    }
  }
}
