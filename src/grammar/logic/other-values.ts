/**
 * Schemas of all values but some. Pure.
 */
import { NOT_TEXTS, type Schema } from '../schema/schema.js';
import { isOfType, type JsonType, TYPES } from '../schema/types.js';

/** Between that many numbers lie ranges that are worth telling apart. */
const MAX_NUMBERS = 32;

export function otherValues(values: readonly unknown[]): readonly Schema[] {
  const untouched = TYPES.filter((type) => type !== 'integer' && !values.some((one) => isOfType(one, type)));
  return [
    ...(untouched.length > 0 ? [{ type: untouched }] : []),
    ...TYPES.flatMap((type) => othersOf(type, values)),
  ];
}

/** Objects and lists are told from others as a whole or not at all. */
function othersOf(type: JsonType, values: readonly unknown[]): readonly Schema[] {
  const own = values.filter((one) => isOfType(one, type));
  if (own.length === 0) return [];
  switch (type) {
    case 'string':
      return [{ type, [NOT_TEXTS]: own }];
    case 'boolean':
      return [true, false].filter((one) => !own.includes(one)).map((one) => ({ const: one }));
    case 'number':
      return own.length > MAX_NUMBERS ? [] : betweenNumbers(own as number[]);
    case 'integer':
    case 'null':
    case 'object':
    case 'array':
      return [];
  }
}

function betweenNumbers(numbers: readonly number[]): readonly Schema[] {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  return [undefined, ...sorted].map((after, index) => {
    const before = sorted[index];
    return {
      type: 'number',
      ...(after !== undefined && { exclusiveMinimum: after }),
      ...(before !== undefined && { exclusiveMaximum: before }),
    };
  });
}
