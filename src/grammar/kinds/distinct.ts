/**
 * Arrays whose items are all different.
 */
import { inside, type Place } from '../schema/place.js';
import { type Unheld, unheldFault } from '../schema/schema.js';
import type { Term } from '../terms/terms.js';
import type { Reading } from './reading.js';

/** @throws BAD_INPUT */
export function distinctTerm(
  items: unknown,
  what: Unheld,
  [min, max]: readonly [min: number, max: number],
  place: Place,
  reading: Reading,
): Term {
  void [items, min, max, inside(place), reading];
  throw unheldFault(what, '"uniqueItems" is not held; leave it out');
}
