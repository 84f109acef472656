/**
 * Schemas of numbers: any, or between bounds.
 */
import { type Bounds, boundedNumber } from '../terms/bounded-number.js';
import * as json from '../terms/json-text.js';
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import { numberOf, placed } from './keyword-values.js';
import type { Schema } from './schema.js';

/** @throws BAD_INPUT */
export function numberTerm(schema: Schema, path: string, isInteger: boolean): Term {
  const bounds: Bounds = {
    min: numberOf(schema, 'minimum', path),
    max: numberOf(schema, 'maximum', path),
    exclusiveMin: numberOf(schema, 'exclusiveMinimum', path),
    exclusiveMax: numberOf(schema, 'exclusiveMaximum', path),
  };
  if (Object.values(bounds).every((one) => one === undefined)) return isInteger ? json.INTEGER : json.NUMBER;
  const walker = placed(path, () => boundedNumber(bounds, isInteger));
  return walker ? walk(walker) : IMPOSSIBLE;
}
