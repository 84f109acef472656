/**
 * What a schema asks of one value: its own keywords, those that references and allOf lead to, and the choices that are left.
 */
import type { SchemaDocument } from '../schema/document.js';
import { listValue } from '../schema/keyword-values.js';
import { inside, type Place } from '../schema/place.js';
import {
  type ChoiceKeyword,
  CHOICES,
  fault,
  isSchema,
  saysOfValues,
  type Schema,
  unheldFault,
} from '../schema/schema.js';

/** A keyword that can hold in more than one way. */
export type Choice = { readonly schema: Schema; readonly keyword: ChoiceKeyword; readonly place: Place };
export type Collected = { readonly flat: readonly Schema[]; readonly choices: readonly Choice[] };

/** @returns undefined where nothing satisfies it. @throws BAD_INPUT */
export function collect(document: SchemaDocument, schema: unknown, place: Place): Collected | undefined {
  const collector = new Collector(document);
  return collector.add(schema, place, true) ? collector : undefined;
}

class Collector implements Collected {
  readonly flat: Schema[] = [];
  readonly choices: Choice[] = [];
  readonly #document: SchemaDocument;

  constructor(document: SchemaDocument) {
    this.#document = document;
  }

  /** @param isWhole nothing stands beside it. @returns false where nothing satisfies it */
  add(schema: unknown, place: Place, isWhole: boolean): boolean {
    if (typeof schema === 'boolean') return schema;
    if (!isSchema(schema)) throw fault(place.path, 'a schema must be an object, true or false');
    this.#document.follow(place, schema);
    if (saysOfValues(schema)) this.#addOwn(schema, place, isWhole);
    for (const keyword of CHOICES)
      if (schema[keyword] !== undefined) this.choices.push({ schema, keyword, place });
    const { path } = place;
    const all = schema['allOf'] === undefined ? [] : listValue(schema['allOf'], 'allOf', path);
    const targets = this.#document.targetsOf(schema, place);
    const isAlone = isWhole && all.length === 0 && !saysOfValues(schema);
    return [...targets, ...all].every((one) => this.add(one, inside(place), isAlone));
  }

  /** What other schemas leave over can be told for a whole schema, not for one among others. */
  #addOwn(schema: Schema, place: Place, isWhole: boolean): void {
    const keyword = 'unevaluatedProperties';
    if (!isWhole && schema[keyword] === false)
      throw unheldFault(
        { schema, keyword, path: place.path },
        `"${keyword}" is held only in a schema that stands alone; say additionalProperties`,
      );
    if (!this.flat.includes(schema)) this.flat.push(schema);
  }
}
