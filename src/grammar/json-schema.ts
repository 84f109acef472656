/**
 * JSON schema → terms. Every text that matches is valid against the schema; what is not supported is refused by name,
 * never ignored. Some valid texts are left out: properties come in the order they are listed in, and beside listed
 * ones others only where additionalProperties says so. The kinds of schemas are in schema/.
 */
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

/** @throws BAD_INPUT naming the place and what is wrong with it */
export function schemaTerm(schema: unknown): Term {
  return new SchemaReader(schema).read(schema, { path: '#', depth: 0 });
}

class SchemaReader {
  readonly #document: SchemaDocument;
  readonly #references = new Map<unknown, Term>();

  constructor(root: unknown) {
    this.#document = new SchemaDocument(root);
  }

  readonly read: Read = (schema, place) => {
    if (schema === true) return json.ANY_VALUE;
    if (schema === false) return IMPOSSIBLE;
    if (!isSchema(schema)) throw fault(place.path, 'a schema must be an object, true or false');
    this.#document.count(place);
    return this.#readKnown(ofMeaning(schema, place.path), place);
  };

  #readKnown(schema: Schema, place: Place): Term {
    if ('$ref' in schema) return this.#readReference(schema, place);
    if ('allOf' in schema) return this.#readAll(schema, place);
    if ('anyOf' in schema || 'oneOf' in schema) return this.#readAny(schema, place);
    if ('const' in schema || 'enum' in schema) return valuesTerm(schema, place.path);
    const types = typesOf(schema, place.path);
    if (!types) return json.ANY_VALUE;
    return choice(...types.map((type) => this.#readType(type, schema, place)));
  }

  /** A schema may refer to itself: whoever meets the reference again gets the same term. */
  #readReference({ $ref: pointer, ...rest }: Schema, place: Place): Term {
    const target = this.#document.resolve(pointer, place);
    if (Object.keys(rest).length > 0) return this.#readAll({ allOf: [rest, target] }, place);
    const known = this.#references.get(pointer);
    if (known) return known;
    let made: Term = IMPOSSIBLE;
    const reference = later(() => made);
    this.#references.set(pointer, reference);
    made = this.read(target, { path: String(pointer), depth: place.depth + 1 });
    return reference;
  }

  #readAll(schema: Schema, place: Place): Term {
    return this.read(joinAll(this.#document, schema, place), inside(place));
  }

  #readAny(schema: Schema, place: Place): Term {
    const options = optionsOf(this.#document, schema, place);
    return choice(...Array.from(options, ([option, where]) => this.read(option, where)));
  }

  #readType(type: JsonType, schema: Schema, place: Place): Term {
    switch (type) {
      case 'object':
        return objectTerm(schema, place, this.read);
      case 'array':
        return arrayTerm(schema, place, this.read);
      case 'string':
        return json.quoted(stringTerm(schema, place.path));
      case 'number':
      case 'integer':
        return numberTerm(schema, place.path, type === 'integer');
      case 'boolean':
        return json.BOOLEAN;
      case 'null':
        return json.NULL;
    }
  }
}
