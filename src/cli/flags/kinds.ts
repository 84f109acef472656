/**
 * Kinds of flags: a number inside bounds, one of a few words. What their values may be stands in their help.
 */
import { Option } from 'commander';
import type { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { describeBounds, parseNumber, shown } from '../terminal/numbers.js';

/** A flag whose value is a number inside the schema's bounds. */
export function numberFlag(spec: string, text: string, schema: z.ZodType): Option {
  const option = new Option(spec, `${text} (${describeBounds(schema)})`);
  return option.argParser((value) => parseNumber(`--${option.name()}`, value, schema));
}

/** A flag whose value is one of a few words. */
export function choiceFlag<T extends string>(spec: string, text: string, choices: readonly T[]): Option {
  const option = new Option(spec, `${text} (${choices.join(', ')})`);
  return option.argParser((value) => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw new KvrError(
      'BAD_INPUT',
      `--${option.name()} ${shown(value)} is unknown; give one of ${choices.join(', ')}`,
    );
  });
}

/** A flag that can be given more than once. */
export function listFlag(spec: string, text: string): Option {
  const option = new Option(spec, `${text}; can be given more than once`);
  return option.argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    notEmpty(`--${option.name()}`, value),
  ]);
}

/** @throws BAD_INPUT */
export function notEmpty(flag: string, text: string): string {
  if (text !== '') return text;
  throw new KvrError('BAD_INPUT', `${flag} is empty; give at least one character`);
}
