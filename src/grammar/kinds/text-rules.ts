/**
 * What schemas that hold together ask of one text.
 */
import type { SchemaDocument } from '../schema/document.js';
import { readPattern } from '../regular/reader.js';
import type { Rule } from '../regular/dfa.js';
import { oneOf } from '../regular/text-language.js';
import { countsOf, textValue } from '../schema/keyword-values.js';
import type { Place } from '../schema/place.js';
import { asList, NOT_PATTERN, NOT_TEXTS, type Unheld } from '../schema/schema.js';
import { askedOf, type Together } from '../schema/together.js';
import { patternOfFormat } from '../terms/formats.js';

/** A pattern, and which keyword of the schema it comes from. */
export type AskedPattern = { readonly pattern: string; readonly isNegated: boolean; readonly what: Unheld };

export type AskedText = {
  readonly patterns: readonly AskedPattern[];
  /** Texts that it must not be. */
  readonly others: readonly string[];
  readonly min: number;
  readonly max: number;
};

/** @throws BAD_INPUT */
export function askedText(parts: Together, { path }: Place): AskedText {
  const [min, max] = countsOf(parts, 'Length', path);
  const asked = (
    keyword: string | symbol,
    patternOf: (value: unknown) => string | undefined,
  ): AskedPattern[] =>
    askedOf(parts, keyword).flatMap(({ schema, value }) => {
      const pattern = patternOf(value);
      const what = { schema, keyword, path };
      return pattern === undefined ? [] : [{ pattern, isNegated: keyword === NOT_PATTERN, what }];
    });
  const patternOf = (value: unknown): string => textValue(value, 'pattern', path);
  return {
    patterns: [
      ...asked('format', patternOfFormat),
      ...asked('pattern', patternOf),
      ...asked(NOT_PATTERN, patternOf),
    ],
    others: askedOf(parts, NOT_TEXTS).flatMap(({ value }) => asList(value).map(String)),
    min,
    max,
  };
}

/** @throws BAD_INPUT */
export function rulesOf({ patterns, others }: AskedText, { meter }: SchemaDocument): Rule[] {
  const rules = patterns.map(({ pattern, isNegated }) => ({ tree: readPattern(pattern, meter), isNegated }));
  return others.length > 0 ? [...rules, { tree: oneOf(others), isNegated: true }] : rules;
}
