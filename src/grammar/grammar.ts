/**
 * What an answer may be, as plain data: it is made by the server or a library's user, checked by the engine, and sent
 * to the worker that chooses tokens. Compiled on both sides; the engine to find what is wrong with it.
 */
import { z } from 'zod';
import { firstLine, KvrError } from '../core/errors.js';
import { Automaton } from './automaton.js';
import { OF_GRAMMAR, OF_PATTERN, requireFollowable } from './followable.js';
import { FreeText } from './free-text.js';
import { MAX_GRAMMAR_WORK, Meter } from './limits/meter.js';
import { leastChars } from './limits/value-size.js';
import { gbnfTerm } from './gbnf/gbnf.js';
import { MAX_SCHEMA_CHARS, MAX_SCHEMA_DEPTH, schemaTerm, type SchemaListener } from './json-schema.js';
import { looseSchemaTerm } from './loose-schema.js';
import { regexTerm } from './regular/plain-text.js';
import { bytes, choice, repeat, sequence, type Term, text, walk } from './terms/terms.js';
import { specialBytes } from './vocabulary.js';

export type Grammar =
  /**
   * A JSON value that is valid against a schema. What can not be held is refused, or left out where the schema is loose.
   */
  | { readonly type: 'json'; readonly schema: unknown; readonly isLoose?: boolean | undefined }
  /** A text that matches a regular expression from end to end. */
  | { readonly type: 'regex'; readonly pattern: string }
  /** A text that a grammar in the language of llama.cpp makes. */
  | { readonly type: 'gbnf'; readonly grammar: string }
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
/** Parts of a schema that are named to who asked; more say no more. */
const MAX_LOOSENED_TOLD = 64;
const short = z.string().max(MAX_TEXT_CHARS);
const count = z.number().int().min(0).max(MAX_REPEATS);

export const grammarSchema: z.ZodType<Grammar> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('json'), schema: z.unknown(), isLoose: z.boolean().optional() }),
    z.strictObject({ type: z.literal('regex'), pattern: z.string() }),
    z.strictObject({ type: z.literal('gbnf'), grammar: z.string() }),
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

/** What may be spent on one grammar: on its terms, and on looking ahead for what could not be followed. */
export type GrammarLimits = { readonly work: number; readonly ahead: number };
export const GRAMMAR_LIMITS: GrammarLimits = { work: MAX_GRAMMAR_WORK, ahead: 8_000_000 };

/**
 * Only for grammars that were checked, or whose worst only hurts who sent them: it does not look ahead.
 * @throws BAD_INPUT for what is too large, not valid, not supported, or can not be satisfied by any text
 */
export function compileGrammar(grammar: unknown): Automaton {
  return compile(grammar, { meter: new Meter() });
}

/**
 * Finds everything that can be wrong with a grammar, before anything is answered under it.
 * @returns what of its loose schemas is not held
 * @throws BAD_INPUT as compileGrammar, and for one that takes too long to follow; with the field `budget` where larger
 *   limits might do
 */
export function checkGrammar(grammar: unknown, limits = GRAMMAR_LIMITS): readonly string[] {
  return checkGrammars([grammar], limits);
}

/**
 * All of them together within the limits. @returns what of the last one is not held
 * @throws BAD_INPUT as checkGrammar, about the first that is wrong, with its `index`
 */
export function checkGrammars(grammars: readonly unknown[], limits = GRAMMAR_LIMITS): readonly string[] {
  const [work, ahead] = [new Meter(limits.work), new Meter(limits.ahead)];
  let loosened: readonly string[] = [];
  for (const [index, grammar] of grammars.entries()) {
    try {
      loosened = check(grammar, work, ahead);
    } catch (error) {
      if (!(error instanceof KvrError)) throw error;
      throw new KvrError(error.code, error.message, { ...error.fields, index }, error);
    }
  }
  return loosened;
}

function check(grammar: unknown, meter: Meter, ahead: Meter): readonly string[] {
  const loosened = new Set<string>();
  const automaton = compile(grammar, {
    meter,
    onPattern: patternCheck(meter, ahead),
    onLoosened: (what) => loosened.add(what),
  });
  requireFollowable(automaton, ahead, OF_GRAMMAR);
  return [...loosened].slice(0, MAX_LOOSENED_TOLD);
}

function patternCheck(meter: Meter, ahead: Meter): (term: Term) => void {
  return (pattern) => requireFollowable(new Automaton(pattern, meter), ahead, OF_PATTERN);
}

type Compiling = SchemaListener & { readonly meter: Meter };

function compile(grammar: unknown, compiling: Compiling): Automaton {
  requireBounds(grammar);
  const parsed = grammarSchema.safeParse(grammar);
  if (parsed.success) return new Automaton(termOf(parsed.data, compiling), compiling.meter);
  const issue = parsed.error.issues[0];
  throw new KvrError(
    'BAD_INPUT',
    `grammar ${issue?.path.join('.') ?? ''}: ${firstLine(issue?.message ?? 'is not valid')}`,
  );
}

/** Before anything walks over it: neither too deep for a stack nor too large. @throws BAD_INPUT */
function requireBounds(grammar: unknown): void {
  requireSize(grammar);
  let level: unknown[] = [grammar];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_GRAMMAR_DEPTH)
      throw new KvrError('BAD_INPUT', `the schema is deeper than ${MAX_SCHEMA_DEPTH}, the limit; flatten it`);
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : [],
    );
  }
  const chars = JSON.stringify(grammar)?.length ?? 0;
  if (chars > MAX_SCHEMA_CHARS) throw tooLarge(`${chars} characters of JSON, more than ${MAX_SCHEMA_CHARS}`);
}

/** Costs no more than the limit, however large the grammar is. @throws BAD_INPUT */
export function requireSize(grammar: unknown): void {
  if (leastChars(grammar, MAX_SCHEMA_CHARS) > MAX_SCHEMA_CHARS)
    throw tooLarge(`more than ${MAX_SCHEMA_CHARS} characters of JSON`);
}

function tooLarge(size: string): KvrError {
  return new KvrError('BAD_INPUT', `the schema has ${size}, the limit; give a smaller one`);
}

function termOf(grammar: Grammar, compiling: Compiling): Term {
  const inner = (one: Grammar): Term => termOf(one, compiling);
  const { meter } = compiling;
  switch (grammar.type) {
    case 'json':
      return grammar.isLoose === true
        ? looseTerm(grammar.schema, compiling)
        : schemaTerm(grammar.schema, meter, compiling);
    case 'regex':
      return regexTerm(grammar.pattern, meter);
    case 'gbnf':
      return gbnfTerm(grammar.grammar, meter);
    case 'text':
      meter.spend(grammar.text.length);
      return text(grammar.text);
    case 'special':
      return bytes(specialBytes(grammar.name));
    case 'free':
      return walk(FreeText.without(grammar.without, grammar.notFirst));
    case 'sequence':
      return sequence(...grammar.parts.map(inner));
    case 'choice':
      return choice(...grammar.options.map(inner));
    case 'repeat':
      return repeat(inner(grammar.part), grammar.min, grammar.max ?? Infinity);
  }
}

/** Patterns are looked at even where nobody asks for it: what is left out must be the same for the engine and its workers. */
function looseTerm(schema: unknown, compiling: Compiling): Term {
  const { meter } = compiling;
  const onPattern = compiling.onPattern ?? patternCheck(meter, new Meter(GRAMMAR_LIMITS.ahead));
  return looseSchemaTerm(schema, meter, { ...compiling, onPattern });
}
