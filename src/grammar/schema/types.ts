/**
 * The types of JSON values, and which of them a schema allows.
 */
import { asList, fault, KEYWORDS, type Schema } from './schema.js';

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type JsonType = (typeof TYPES)[number];

/** The types that are asked for, else those that the keywords are about; undefined where any will do. */
export function typesOf(schema: Schema, path: string): readonly JsonType[] | undefined {
  const { type } = schema;
  if (type === undefined) {
    const about = TYPES.filter((one) => KEYWORDS[one]?.some((key) => key in schema));
    return about.length > 0 ? about : undefined;
  }
  const types = asList(type);
  const unknown = types.find((one) => !(TYPES as readonly unknown[]).includes(one));
  if (unknown !== undefined) throw fault(path, `type must be of ${TYPES.join(', ')}`);
  // Every integer is a number: both together would be two readings of one text.
  return TYPES.filter((one) => types.includes(one) && !(one === 'integer' && types.includes('number')));
}

export function isOfType(value: unknown, type: JsonType): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}
