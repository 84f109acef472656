/**
 * Schemas of strings: by a pattern, a format, or their length.
 */
import type { Meter } from '../limits/meter.js';
import { ANY_CHARACTER } from '../terms/characters.js';
import { FORMATS } from '../terms/formats.js';
import { patternTerm } from '../terms/pattern.js';
import { repeat, type Term } from '../terms/terms.js';
import { countsOf, placed, textOf } from './keyword-values.js';
import { fault, type Schema } from './schema.js';

/** @returns the characters, without the quotes. @throws BAD_INPUT */
export function stringTerm(schema: Schema, path: string, meter: Meter): Term {
  const { pattern, format } = schema;
  const [min, max] = countsOf(schema, 'Length', path);
  const given = [pattern !== undefined, format !== undefined, min > 0 || max < Infinity].filter(Boolean);
  if (given.length > 1)
    throw fault(
      path,
      'of pattern, format and lengths only one is supported; put the length into the pattern',
    );
  if (pattern !== undefined) return placed(path, () => patternTerm(textOf(schema, 'pattern', path), meter));
  if (format !== undefined) return patternTerm(formatPattern(textOf(schema, 'format', path), path), meter);
  return repeat(ANY_CHARACTER, min, max);
}

function formatPattern(name: string, path: string): string {
  const known = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (known !== undefined) return known;
  throw fault(
    path,
    `the format "${name.slice(0, 40)}" is not supported; known are ${Object.keys(FORMATS).join(', ')}`,
  );
}
