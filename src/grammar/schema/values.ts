/**
 * Schemas that list their values: enum, or const for a single one.
 */
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import { TextTree } from '../terms/tries.js';
import { fault, type Schema } from './schema.js';
import { isOfType, typesOf } from './types.js';

/** @throws BAD_INPUT */
export function valuesTerm(schema: Schema, path: string): Term {
  const listed = listedValues(schema, path);
  const types = schema['type'] === undefined ? undefined : typesOf(schema, path);
  const fitting = listed.filter((value) => !types || types.some((one) => isOfType(value, one)));
  return fitting.length === 0 ? IMPOSSIBLE : walk(TextTree.of(fitting.map((value) => JSON.stringify(value))));
}

function listedValues(schema: Schema, path: string): readonly unknown[] {
  const { const: constant, enum: values = [constant] } = schema;
  const beside = Object.keys(schema).find((key) => !['const', 'enum', 'type'].includes(key));
  if (beside !== undefined)
    throw fault(path, `"${beside}" beside enum or const is not supported; leave it out`);
  if (!Array.isArray(values)) throw fault(path, 'enum must be a list');
  return 'const' in schema && 'enum' in schema
    ? values.filter((value) => JSON.stringify(value) === JSON.stringify(constant))
    : values;
}
