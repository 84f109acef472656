/**
 * Schemas of numbers: any, or between bounds.
 */
import type { Meter } from '../limits/meter.js';
import { type Bounds, boundedNumber } from '../terms/bounded-number.js';
import * as json from '../terms/json-text.js';
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import { numberOf, placed } from './keyword-values.js';
import type { Schema } from './schema.js';

/** First digits are tried with long whole numbers, which takes about the time of so many parts. */
const BOUNDS_WORK = 400;

/** @throws BAD_INPUT */
export function numberTerm(schema: Schema, path: string, isInteger: boolean, meter: Meter): Term {
  const bounds: Bounds = {
    min: numberOf(schema, 'minimum', path),
    max: numberOf(schema, 'maximum', path),
    exclusiveMin: numberOf(schema, 'exclusiveMinimum', path),
    exclusiveMax: numberOf(schema, 'exclusiveMaximum', path),
  };
  if (Object.values(bounds).every((one) => one === undefined)) return isInteger ? json.INTEGER : json.NUMBER;
  meter.spend(BOUNDS_WORK);
  const walker = placed(path, () => boundedNumber(bounds, isInteger));
  return walker ? walk(walker) : IMPOSSIBLE;
}
