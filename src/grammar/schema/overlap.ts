/**
 * Whether a value could satisfy two schemas at once: oneOf is supported only where none can. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { asList, isSchema, type Schema } from './schema.js';

/** True where no value can satisfy both, as far as their types and constants tell. */
export function areApart(a: Schema, b: Schema): boolean {
  const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)];
  if (valuesA && valuesB)
    return !valuesA.some((one) => valuesB.some((other) => isDeepStrictEqual(one, other)));
  if (a['type'] !== undefined && b['type'] !== undefined && !haveTypeInCommon(a, b)) return true;
  return sharedRequired(a, b).some(([one, other]) => areApart(one, other));
}

function valuesOf(schema: Schema): readonly unknown[] | undefined {
  if ('const' in schema) return [schema['const']];
  return Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : undefined;
}

function haveTypeInCommon(a: Schema, b: Schema): boolean {
  const broad = (one: Schema): unknown[] =>
    asList(one['type']).map((type) => (type === 'integer' ? 'number' : type));
  return broad(a).some((type) => broad(b).includes(type));
}

/** Schemas of properties that objects of both must have. */
function sharedRequired(a: Schema, b: Schema): [Schema, Schema][] {
  if (a['type'] !== 'object' || b['type'] !== 'object') return [];
  const required = asList(a['required']).filter((name) => asList(b['required']).includes(name));
  return required.flatMap((name): [Schema, Schema][] => {
    const [one, other] = [a, b].map(({ properties }) =>
      isSchema(properties) && typeof name === 'string' && Object.hasOwn(properties, name)
        ? properties[name]
        : {},
    );
    return isSchema(one) && isSchema(other) ? [[one, other]] : [];
  });
}
