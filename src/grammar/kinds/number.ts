/**
 * Schemas of numbers: any, or between bounds and in steps.
 */
import { numberValue } from '../schema/keyword-values.js';
import type { Place } from '../schema/place.js';
import { held, type Schema } from '../schema/schema.js';
import { askedOf, type Together } from '../schema/together.js';
import { type Bounds, boundedNumber } from '../terms/bounded-number.js';
import * as json from '../terms/json-text.js';
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import type { Reading } from './reading.js';

/** First digits are tried with long whole numbers, which takes about the time of so many parts. */
const BOUNDS_WORK = 400;

/** @throws BAD_INPUT */
export function numberTerm(
  parts: Together,
  { path }: Place,
  isInteger: boolean,
  { document }: Reading,
): Term {
  const bounds = boundsOf(parts, path);
  const steps = askedOf(parts, 'multipleOf').map(({ value }) => numberValue(value, 'multipleOf', path));
  const asked = steps.filter((step) => !(isInteger && step === 1));
  if (Object.values(bounds).every((one) => one.length === 0) && asked.length === 0)
    return isInteger ? json.INTEGER : json.NUMBER;
  document.meter.spend(BOUNDS_WORK);
  const [schema = parts[0] as Schema] = askedOf(parts, 'multipleOf').map((one) => one.schema);
  const what = { schema, keyword: asked.length > 0 ? 'multipleOf' : 'minimum', path };
  const walker = held(what, () => boundedNumber({ ...bounds, steps: asked }, isInteger));
  return walker ? walk(walker) : IMPOSSIBLE;
}

/** In draft 4, exclusiveMinimum is a word about minimum. */
export function boundsOf(parts: Together, path: string): Omit<Bounds, 'steps'> {
  const bounds = {
    mins: [] as number[],
    maxes: [] as number[],
    above: [] as number[],
    below: [] as number[],
  };
  for (const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } of parts) {
    const add = (list: number[], value: unknown, key: string): void => {
      if (value !== undefined && typeof value !== 'boolean') list.push(numberValue(value, key, path));
    };
    add(exclusiveMinimum === true ? bounds.above : bounds.mins, minimum, 'minimum');
    add(exclusiveMaximum === true ? bounds.below : bounds.maxes, maximum, 'maximum');
    add(bounds.above, exclusiveMinimum, 'exclusiveMinimum');
    add(bounds.below, exclusiveMaximum, 'exclusiveMaximum');
  }
  return bounds;
}
