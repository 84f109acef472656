/**
 * Whether a value could satisfy two schemas at once: oneOf is supported only where none can. Pure.
 */
import type { Meter } from '../limits/meter.js';
import { leastChars } from '../limits/value-size.js';
import { asList, isSchema, type Schema } from './schema.js';

/** True where no value can satisfy both, as far as their types and constants tell. */
export function areApart(a: Schema, b: Schema, meter: Meter): boolean {
  meter.spend(1);
  const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)];
  if (valuesA && valuesB) return haveNoneInCommon(valuesA, valuesB, meter);
  if (a['type'] !== undefined && b['type'] !== undefined && !haveTypeInCommon(a, b)) return true;
  return sharedRequired(a, b, meter).some(([one, other]) => areApart(one, other, meter));
}

/** Compared as text in which the keys of objects are in order. */
function haveNoneInCommon(a: readonly unknown[], b: readonly unknown[], meter: Meter): boolean {
  meter.spend(leastChars(a, meter.left) + leastChars(b, meter.left));
  const texts = new Set(a.map(inOrder));
  return !b.some((one) => texts.has(inOrder(one)));
}

function inOrder(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isSchema(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
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
function sharedRequired(a: Schema, b: Schema, meter: Meter): [Schema, Schema][] {
  if (a['type'] !== 'object' || b['type'] !== 'object') return [];
  const [requiredA, requiredB] = [asList(a['required']), new Set(asList(b['required']))];
  meter.spend(requiredA.length + requiredB.size);
  const required = requiredA.filter((name) => requiredB.has(name));
  return required.flatMap((name): [Schema, Schema][] => {
    const [one, other] = [a, b].map(({ properties }) =>
      isSchema(properties) && typeof name === 'string' && Object.hasOwn(properties, name)
        ? properties[name]
        : {},
    );
    return isSchema(one) && isSchema(other) ? [[one, other]] : [];
  });
}
