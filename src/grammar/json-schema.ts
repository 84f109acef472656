/**
 * JSON schema → terms. Every text that matches is valid against the schema; what can not be held is refused by name,
 * never ignored. Some valid texts are left out: properties come in the order they are listed in, and beside listed
 * ones others only where additionalProperties says so. What schemas combine to is found in logic/, and what is asked
 * of each kind of value in kinds/.
 */
import { arrayTerm } from './kinds/array.js';
import { numberTerm } from './kinds/number.js';
import { objectTerm } from './kinds/object.js';
import type { Read, Reading } from './kinds/reading.js';
import { stringTerm } from './kinds/string.js';
import { isListed, valuesTerm } from './kinds/values.js';
import type { Meter } from './limits/meter.js';
import { leastChars } from './limits/value-size.js';
import { alternativesOf } from './logic/alternatives.js';
import { waysOf } from './logic/choices.js';
import { SchemaDocument } from './schema/document.js';
import { inside, type Place } from './schema/place.js';
import {
  type ChoiceKeyword,
  CHOICES,
  fault,
  isSchema,
  onlyKeyword,
  REFERENCES,
  type Schema,
} from './schema/schema.js';
import type { Together } from './schema/together.js';
import { type JsonType, typesOf } from './schema/types.js';
import * as json from './terms/json-text.js';
import { choice, IMPOSSIBLE, later, type Term } from './terms/terms.js';

export const MAX_SCHEMA_CHARS = 100_000;
export { MAX_SCHEMA_DEPTH } from './schema/document.js';

/** What is told while a schema is read. */
export type SchemaListener = {
  /** Of the term of each pattern, before it becomes part of a larger one. @throws what is wrong with it */
  readonly onPattern?: ((term: Term) => void) | undefined;
  /** Of what answers are not held to though the schema says it. */
  readonly onLoosened?: ((what: string) => void) | undefined;
};

/** @throws BAD_INPUT naming the place and what is wrong with it */
export function schemaTerm(schema: unknown, meter: Meter, listener: SchemaListener = {}): Term {
  return new SchemaReader(schema, meter, listener).read(schema, { path: '#', depth: 0 });
}

class SchemaReader {
  readonly #document: SchemaDocument;
  readonly #reading: Reading;
  /** What was read before, or is being read: a schema may refer to itself, and references lead to the same ones again. */
  readonly #known = new Map<Schema, Term>();
  /** The same reference with the same words beside it means the same. */
  readonly #alike = new Map<string, Term>();

  constructor(root: unknown, meter: Meter, { onPattern, onLoosened }: SchemaListener) {
    this.#document = new SchemaDocument(root, meter, onLoosened ?? (() => undefined));
    this.#reading = {
      read: this.read,
      document: this.#document,
      onPattern: (term) => onPattern?.(term),
      strings: new Map(),
    };
  }

  readonly read: Read = (schema, place) => {
    this.#document.meter.spend(1);
    if (schema === true) return json.ANY_VALUE;
    if (schema === false) return IMPOSSIBLE;
    if (!isSchema(schema)) throw fault(place.path, 'a schema must be an object, true or false');
    const known = this.#known.get(schema) ?? this.#readBefore(schema);
    if (known) return known;
    this.#document.count(place, schema);
    let made: Term = IMPOSSIBLE;
    this.#keep(
      schema,
      later(() => made),
    );
    made = this.#readMeaning(schema, place);
    this.#keep(schema, made);
    return made;
  };

  #readBefore(schema: Schema): Term | undefined {
    return '$ref' in schema ? this.#alike.get(this.#keyOf(schema)) : undefined;
  }

  #keep(schema: Schema, term: Term): void {
    this.#known.set(schema, term);
    if ('$ref' in schema) this.#alike.set(this.#keyOf(schema), term);
  }

  #keyOf(schema: Schema): string {
    const { meter } = this.#document;
    meter.spend(leastChars(schema, meter.left));
    return JSON.stringify(schema);
  }

  #readMeaning(schema: Schema, place: Place): Term {
    const only = onlyKeyword(schema);
    if (REFERENCES.some((key) => key === only)) return this.#readReference(schema, place);
    if (isChoice(only))
      return this.#readWays(waysOf(this.#document, { schema, keyword: only, place }), only, place);
    const ways = alternativesOf(this.#document, schema, place);
    return either(Array.from(ways, (way) => this.#readTogether(way, place)));
  }

  #readReference(schema: Schema, place: Place): Term {
    const [target] = this.#document.targetsOf(schema, place);
    const path = typeof schema['$ref'] === 'string' ? schema['$ref'] : '#';
    return this.read(target, { path, depth: place.depth + 1 });
  }

  #readWays(ways: readonly unknown[], keyword: string, place: Place): Term {
    return either(ways.map((way, index) => this.read(way, inside(place, keyword, index))));
  }

  #readTogether(parts: Together, place: Place): Term {
    if (isListed(parts)) return valuesTerm(parts, place, this.#document);
    const types = typesOf(parts, place.path);
    if (!types) return json.ANY_VALUE;
    return either(types.map((type) => this.#readType(type, parts, place)));
  }

  #readType(type: JsonType, parts: Together, place: Place): Term {
    switch (type) {
      case 'object':
        return objectTerm(parts, place, this.#reading);
      case 'array':
        return arrayTerm(parts, place, this.#reading);
      case 'string':
        return json.quoted(stringTerm(parts, place, this.#reading));
      case 'number':
      case 'integer':
        return numberTerm(parts, place, type === 'integer', this.#reading);
      case 'boolean':
        return json.BOOLEAN;
      case 'null':
        return json.NULL;
    }
  }
}

function isChoice(keyword: string | symbol | undefined): keyword is ChoiceKeyword {
  return CHOICES.some((one) => one === keyword);
}

function either(terms: readonly Term[]): Term {
  return terms.length === 1 ? (terms[0] as Term) : choice(...terms);
}
