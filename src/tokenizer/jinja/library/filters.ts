/**
 * All filters, by name.
 */
import type { Call, Value } from '../values/value.js';
import { LIST_FILTERS } from './list-filters.js';
import { bind, type Builtin, type Runtime } from './runtime.js';
import { type OpenFilter, SELECTION_FILTERS } from './selection-filters.js';
import { TEXT_FILTERS } from './text-filters.js';
import { formatFilter, VALUE_FILTERS } from './value-filters.js';

const FILTERS: ReadonlyMap<string, Builtin> = new Map(
  Object.entries({ ...TEXT_FILTERS, ...LIST_FILTERS, ...VALUE_FILTERS }),
);
const OPEN_FILTERS: ReadonlyMap<string, OpenFilter> = new Map(
  Object.entries({ ...SELECTION_FILTERS, format: formatFilter }),
);

export function hasFilter(name: string): boolean {
  return FILTERS.has(name) || OPEN_FILTERS.has(name);
}

/** @throws Error where there is no such filter, or it is not for the value */
export function filtered(name: string, value: Value, call: Call, runtime: Runtime): Value {
  const open = OPEN_FILTERS.get(name);
  if (open) return open(value, call, runtime);
  const filter = FILTERS.get(name);
  if (!filter) throw new Error(`there is no filter "${name.slice(0, 40)}"`);
  return filter.run(value, bind(call, filter.parameters, name), runtime);
}
