/**
 * Schemas that list their values: enum, or const for a single one.
 */
import type { Meter } from '../limits/meter.js';
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import { TextTree } from '../terms/tries.js';
import { fault, type Schema } from './schema.js';
import { isOfType, typesOf } from './types.js';

/** @throws BAD_INPUT */
export function valuesTerm(schema: Schema, path: string, meter: Meter): Term {
  const listed = listedValues(schema, path);
  const types = schema['type'] === undefined ? undefined : typesOf(schema, path);
  const fitting = listed.filter((value) => !types || types.some((one) => isOfType(value, one)));
  if (fitting.length === 0) return IMPOSSIBLE;
  const texts = fitting.map((value) => JSON.stringify(value));
  // Each byte is a state.
  for (const text of texts) meter.spend(1 + text.length);
  return walk(TextTree.of(texts));
}

function listedValues(schema: Schema, path: string): readonly unknown[] {
  const { const: constant, enum: values = [constant] } = schema;
  const beside = Object.keys(schema).find((key) => !['const', 'enum', 'type'].includes(key));
  if (beside !== undefined)
    throw fault(path, `"${beside}" beside enum or const is not supported; leave it out`);
  if (!Array.isArray(values)) throw fault(path, 'enum must be a list');
  if (!('const' in schema && 'enum' in schema)) return values;
  const wanted = JSON.stringify(constant);
  return values.filter((value) => JSON.stringify(value) === wanted);
}
