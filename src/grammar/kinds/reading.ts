/**
 * What a reader of one kind of value works with.
 */
import type { SchemaDocument } from '../schema/document.js';
import type { Place } from '../schema/place.js';
import type { Unheld } from '../schema/schema.js';
import type { Term } from '../terms/terms.js';

/** Reads the schemas inside of one. */
export type Read = (schema: unknown, place: Place) => Term;

export type Reading = {
  readonly read: Read;
  readonly document: SchemaDocument;
  /** Looks at the term of a pattern before it becomes part of a larger one. @throws what is wrong with it */
  readonly onPattern: (term: Term, what: Unheld) => void;
  /** Strings by what is asked of them: libraries write the same few again and again. */
  readonly strings: Map<string, Term>;
};
