/**
 * The value of an argument that a model wrote as plain text: by the function's schema, a text, or JSON.
 */
import { isRecord, parsedJson } from '../json/json.js';

const WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

/** @param schema of the function's arguments. @returns the text itself where it is no JSON of the schema's type */
export function argumentValue(text: string, key: string, schema: unknown): unknown {
  const types = typesOf(schema, key);
  const isText = types.includes('string') || types.length === 0;
  if (isText && types.length === 1) return text;
  const trimmed = text.trim();
  const value = Object.hasOwn(WORDS, trimmed) ? WORDS[trimmed] : parsedJson(trimmed);
  return value === undefined || (typeof value === 'string' && isText) ? text : value;
}

/** Empty where the schema does not say. */
function typesOf(schema: unknown, key: string): unknown[] {
  const properties = isRecord(schema) && isRecord(schema['properties']) ? schema['properties'] : {};
  const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (!isRecord(property)) return [];
  const { type, enum: values } = property;
  if (Array.isArray(type)) return type;
  if (type !== undefined) return [type];
  return Array.isArray(values) && values.every((one) => typeof one === 'string') ? ['string'] : [];
}
