/**
 * Schemas that are held as far as they can be: a keyword that can not be held is left out, and told.
 */
import { KvrError } from '../core/errors.js';
import { schemaTerm, type SchemaListener } from './json-schema.js';
import type { Meter } from './limits/meter.js';
import { type Unheld, unheldOf } from './schema/schema.js';
import type { Term } from './terms/terms.js';

/** Keywords that are left out of one schema; each is found by reading it once more, all within one count of work. */
const MAX_LOOSENED = 64;

/** @throws BAD_INPUT for what is wrong and not only too much to hold */
export function looseSchemaTerm(schema: unknown, meter: Meter, listener: SchemaListener): Term {
  const own = structuredClone(schema);
  for (let left = MAX_LOOSENED; ; left--) {
    try {
      return schemaTerm(own, meter, listener);
    } catch (error) {
      const what = unheldOf(error);
      if (!what || left === 0 || !(error instanceof KvrError)) throw error;
      if (!loosen(what)) throw error;
      listener.onLoosened?.(`${what.path.slice(0, 200)}: ${String(what.keyword)}`);
    }
  }
}

/** @returns false for a keyword that no schema of JSON has */
function loosen({ schema, keyword }: Unheld): boolean {
  if (typeof keyword === 'symbol' || !Object.hasOwn(schema, keyword)) return false;
  const own = schema as Record<string, unknown>;
  // What fits more than one option is still better than what fits none.
  if (keyword === 'oneOf' && own['anyOf'] === undefined) own['anyOf'] = own['oneOf'];
  return Reflect.deleteProperty(own, keyword);
}
