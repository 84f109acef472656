/**
 * What an answer may be, as plain data: it is made by the server or a library's user, checked by the engine, and sent
 * to the worker that chooses tokens. Compiled on both sides; the engine to find what is wrong with it.
 */
import { z } from 'zod';
import { firstLine, KvrError } from '../core/errors.js';
import { Automaton } from './automaton.js';
import { FreeText } from './free-text.js';
import { MAX_SCHEMA_CHARS, MAX_SCHEMA_DEPTH, schemaTerm } from './json-schema.js';
import { bytes, choice, repeat, sequence, type Term, text, walk } from './terms/terms.js';
import { specialBytes } from './vocabulary.js';

export type Grammar =
  /** A JSON value that is valid against a schema. */
  | { readonly type: 'json'; readonly schema: unknown }
  | { readonly type: 'text'; readonly text: string }
  /** A special token, by its name in the tokenizer. */
  | { readonly type: 'special'; readonly name: string }
  /** Any text, but for these and for special tokens. */
  | { readonly type: 'free'; readonly without: readonly string[]; readonly notFirst?: string | undefined }
  | { readonly type: 'sequence'; readonly parts: readonly Grammar[] }
  | { readonly type: 'choice'; readonly options: readonly Grammar[] }
  | {
      readonly type: 'repeat';
      readonly part: Grammar;
      readonly min: number;
      readonly max?: number | undefined;
    };

const MAX_PARTS = 1000;
const MAX_TEXT_CHARS = 1000;
const MAX_REPEATS = 1000;
const short = z.string().max(MAX_TEXT_CHARS);
const count = z.number().int().min(0).max(MAX_REPEATS);

export const grammarSchema: z.ZodType<Grammar> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('json'), schema: z.unknown() }),
    z.strictObject({ type: z.literal('text'), text: short }),
    z.strictObject({ type: z.literal('special'), name: short }),
    z.strictObject({
      type: z.literal('free'),
      without: z.array(short.min(1)).max(16),
      notFirst: short.optional(),
    }),
    z.strictObject({ type: z.literal('sequence'), parts: z.array(grammarSchema).max(MAX_PARTS) }),
    z.strictObject({ type: z.literal('choice'), options: z.array(grammarSchema).max(MAX_PARTS) }),
    z.strictObject({ type: z.literal('repeat'), part: grammarSchema, min: count, max: count.optional() }),
  ]),
);

/** Levels that a grammar adds around its schemas. */
const MAX_GRAMMAR_DEPTH = MAX_SCHEMA_DEPTH + 32;

/** @throws BAD_INPUT for what is too large, not valid, not supported, or can not be satisfied by any text */
export function compileGrammar(grammar: unknown): Automaton {
  requireBounds(grammar);
  const parsed = grammarSchema.safeParse(grammar);
  if (parsed.success) return new Automaton(termOf(parsed.data));
  const issue = parsed.error.issues[0];
  throw new KvrError(
    'BAD_INPUT',
    `grammar ${issue?.path.join('.') ?? ''}: ${firstLine(issue?.message ?? 'is not valid')}`,
  );
}

/** Before anything walks over it: neither too deep for a stack nor too large. @throws BAD_INPUT */
function requireBounds(grammar: unknown): void {
  let level: unknown[] = [grammar];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_GRAMMAR_DEPTH)
      throw new KvrError('BAD_INPUT', `the schema is deeper than ${MAX_SCHEMA_DEPTH}, the limit; flatten it`);
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : [],
    );
  }
  const chars = JSON.stringify(grammar)?.length ?? 0;
  if (chars <= MAX_SCHEMA_CHARS) return;
  const message = `the schema has ${chars} characters of JSON, more than ${MAX_SCHEMA_CHARS}, the limit; give a smaller one`;
  throw new KvrError('BAD_INPUT', message);
}

function termOf(grammar: Grammar): Term {
  switch (grammar.type) {
    case 'json':
      return schemaTerm(grammar.schema);
    case 'text':
      return text(grammar.text);
    case 'special':
      return bytes(specialBytes(grammar.name));
    case 'free':
      return walk(FreeText.without(grammar.without, grammar.notFirst));
    case 'sequence':
      return sequence(...grammar.parts.map(termOf));
    case 'choice':
      return choice(...grammar.options.map(termOf));
    case 'repeat':
      return repeat(termOf(grammar.part), grammar.min, grammar.max ?? Infinity);
  }
}
