/**
 * The types of JSON values, and which of them schemas allow.
 */
import { patternOfFormat } from '../terms/formats.js';
import { asList, fault, KEYWORDS, type Schema } from './schema.js';
import type { Together } from './together.js';

export const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type JsonType = (typeof TYPES)[number];

/** The types that all of them allow, else those that the keywords are about; undefined where any will do. */
export function typesOf(parts: Together, path: string): readonly JsonType[] | undefined {
  const asked = parts.flatMap((part) => (part['type'] === undefined ? [] : [askedTypes(part, path)]));
  if (asked.length > 0) return inCommon(asked);
  const about = TYPES.filter((one) => parts.some((part) => isAbout(part, one)));
  return about.length > 0 ? about : undefined;
}

/** Every integer is a number: both together would be two readings of one text. */
function inCommon(asked: readonly (readonly JsonType[])[]): readonly JsonType[] {
  const common = TYPES.filter((one) => asked.every((types) => allows(types, one)));
  return common.filter((one) => one !== 'integer' || !common.includes('number'));
}

export function allows(types: readonly JsonType[], one: JsonType): boolean {
  return types.includes(one) || (one === 'integer' && types.includes('number'));
}

/** @returns the types that a schema names; `nullable` of OpenAPI adds null. @throws BAD_INPUT */
export function askedTypes({ type, nullable }: Schema, path: string): readonly JsonType[] {
  // Some libraries write them in capitals.
  const named = asList(type).map((one) => (typeof one === 'string' ? one.toLowerCase() : one));
  const unknown = named.find((one) => !(TYPES as readonly unknown[]).includes(one));
  if (unknown !== undefined) throw fault(path, `type must be of ${TYPES.join(', ')}`);
  return nullable === true ? [...(named as JsonType[]), 'null'] : (named as JsonType[]);
}

function isAbout(part: Schema, type: JsonType): boolean {
  const keys = KEYWORDS[type]?.filter((key) => Object.hasOwn(part, key)) ?? [];
  // Formats are made up for any type.
  return keys.some((key) => key !== 'format' || patternOfFormat(part['format']) !== undefined);
}

export function isOfType(value: unknown, type: JsonType): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}
