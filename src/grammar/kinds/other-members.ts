/**
 * Members of objects that are not listed by name: what their names may be, and which values go with which names.
 */
import { alternativesOf } from '../logic/alternatives.js';
import type { Rule } from '../regular/dfa.js';
import { readPattern } from '../regular/reader.js';
import { languageWalker, oneOf } from '../regular/text-language.js';
import { schemasOf } from '../schema/keyword-values.js';
import { inside, type Place } from '../schema/place.js';
import { fault, held, IS_NO_LIST, isSchema, type Schema } from '../schema/schema.js';
import { askedOf, type Together } from '../schema/together.js';
import { typesOf } from '../schema/types.js';
import * as json from '../terms/json-text.js';
import { choice, sequence, type Term, walk } from '../terms/terms.js';
import { OtherText, TextTree } from '../terms/tries.js';
import type { Reading } from './reading.js';
import { type AskedText, askedText, rulesOf } from './text-rules.js';
import { isListed, listedValues } from './values.js';

/** Patterns of names in one object: names are told apart by which of them they match. */
const MAX_PATTERNS = 6;

type Document = Reading['document'];
type NamePattern = { readonly part: Schema; readonly pattern: string; readonly value: unknown };

/** The names that `propertyNames` lists; undefined where it does not. @throws BAD_INPUT */
export function namesAllowed(
  document: Document,
  { propertyNames }: Schema,
  place: Place,
): readonly string[] | undefined {
  if (!isSchema(propertyNames)) return propertyNames === false ? [] : undefined;
  const ways = [...alternativesOf(document, propertyNames, inside(place, 'propertyNames'))];
  if (!ways.every(isListed)) return undefined;
  return ways.flatMap((way) => listedValues(way, place, document)).filter((one) => typeof one === 'string');
}

/** A member of any other name; undefined where there may be none. @throws BAD_INPUT */
export function otherMember(
  parts: Together,
  names: readonly string[],
  place: Place,
  reading: Reading,
): Term | undefined {
  const { document } = reading;
  if (parts.some((part) => namesAllowed(document, part, place) !== undefined)) return undefined;
  const patterns = parts.flatMap((part) =>
    Object.entries(schemasOf(part, 'patternProperties', place.path)).map(([pattern, value]) => ({
      part,
      pattern,
      value,
    })),
  );
  if (patterns.length > MAX_PATTERNS)
    throw fault(
      place.path,
      `more than ${MAX_PATTERNS} patternProperties hold for one object; write them as fewer`,
    );
  const kinds = subsets(patterns).flatMap(
    (matched) => memberOfKind(parts, patterns, matched, names, place, reading) ?? [],
  );
  return kinds.length === 0 ? undefined : kinds.length === 1 ? kinds[0] : choice(...kinds);
}

/** Others may be where that is said, or where nothing says which there are. */
function isOpen(parts: Together): boolean {
  const isSaid = askedOf(parts, 'additionalProperties').length > 0;
  const lists = parts.filter((part) => part[IS_NO_LIST] !== true);
  const isClosed = askedOf(parts, 'unevaluatedProperties').some(({ value }) => value !== true);
  return isSaid || (!isClosed && !lists.some((part) => hasNames(part)));
}

function hasNames({ properties = {}, patternProperties = {}, required }: Schema): boolean {
  const listed = [properties, patternProperties].some((one) => Object.keys(one as object).length > 0);
  return listed || (Array.isArray(required) && required.length > 0);
}

/** Members whose names match these of the patterns and no others. */
function memberOfKind(
  parts: Together,
  patterns: readonly NamePattern[],
  matched: readonly NamePattern[],
  names: readonly string[],
  place: Place,
  reading: Reading,
): Term | undefined {
  if (matched.length === 0 && !isOpen(parts)) return undefined;
  const value = reading.document.together(parts.flatMap((part) => valuesOf(part, matched)));
  if (value === false) return undefined;
  const rules = patterns.map(({ part, pattern }) => ({
    ...{ keyword: 'patternProperties', schema: part, pattern },
    isNegated: !matched.some((one) => one.part === part && one.pattern === pattern),
  }));
  const key = keyTerm(parts, rules, names, place, reading);
  const where = matched.length > 0 ? 'patternProperties' : 'additionalProperties';
  return key && sequence(key, json.COLON, reading.read(value, inside(place, where)));
}

function valuesOf(part: Schema, matched: readonly NamePattern[]): readonly unknown[] {
  const own = matched.filter((one) => one.part === part).map(({ value }) => value);
  return own.length > 0 ? own : [part['additionalProperties'] ?? true];
}

type NameRule = {
  readonly schema: Schema;
  readonly keyword: string;
  readonly pattern: string;
  readonly isNegated: boolean;
};

function keyTerm(
  parts: Together,
  patterns: readonly NameRule[],
  names: readonly string[],
  place: Place,
  { document }: Reading,
): Term | undefined {
  const asked = askedNames(parts, place, document);
  if (patterns.length === 0 && asked.length === 0)
    return json.quoted(walk(new OtherText(TextTree.of(names))));
  const what = { schema: patterns[0]?.schema ?? {}, keyword: 'patternProperties', path: place.path };
  return held(what, () => {
    const { meter } = document;
    const own = patterns.map(({ pattern, isNegated }): Rule => ({
      tree: readPattern(pattern, meter),
      isNegated,
    }));
    const notListed = names.length > 0 ? [{ tree: oneOf(names), isNegated: true }] : [];
    const ways = (asked.length > 0 ? asked : [ANY_TEXT]).flatMap((one) => {
      const rules = [...own, ...notListed, ...rulesOf(one, document)];
      return languageWalker({ rules, min: one.min, max: one.max }, meter) ?? [];
    });
    return ways.length > 0 ? json.quoted(choice(...ways.map(walk))) : undefined;
  });
}

const ANY_TEXT: AskedText = { patterns: [], others: [], min: 0, max: Infinity };

/** The ways in which all propertyNames can hold; none where there are none. */
function askedNames(parts: Together, place: Place, document: Document): readonly AskedText[] {
  const all = askedOf(parts, 'propertyNames').map(({ value }) => value);
  if (all.length === 0) return [];
  const where = inside(place, 'propertyNames');
  return [...alternativesOf(document, document.together(all), where)]
    .filter((way) => typesOf(way, where.path)?.includes('string') ?? true)
    .map((way) => askedText(way, where));
}

function subsets<T>(all: readonly T[]): (readonly T[])[] {
  return all.reduce<(readonly T[])[]>(
    (found, one) => [...found, ...found.map((before) => [...before, one])],
    [[]],
  );
}
