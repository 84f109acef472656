/**
 * Holds random texts to random JSON schemas of every keyword: how long a schema takes to compile, how long a token takes, and whether
 * a validator that is not ours accepts what comes of it.
 */
import { performance } from 'node:perf_hooks';
import { KvrError } from '../src/core/errors.js';
import { seededRandom } from '../src/core/random.js';
import { checkGrammar } from '../src/grammar/grammar.js';
import { type Mask, Matcher, TokenGrammar } from '../src/grammar/matcher.js';
import { packVocabulary, Vocabulary } from '../src/grammar/vocabulary.js';
import { randomSchema, type RandomSchema } from '../test/reference/random-schemas.js';
import { faultOf } from '../test/reference/schema-validator.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { countFlag, seedFlag } from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = { readonly count: number; readonly seed: number };
type Row = {
  readonly schemas: number;
  readonly refused: number;
  readonly answers: number;
  readonly invalid: number;
  readonly tokens: number;
  readonly longestCompileMs: number;
  readonly medianTokenMs: number;
  readonly longestTokenMs: number;
};

const MAX_COMPILE_MS = 2000;
const MAX_TOKEN_MS = 50;
/** Of one answer; a longer one is left. */
const MAX_TOKENS = 150;
const VOCABULARY_TOKENS = 32_000;
const END = 0;
/** Words of a mask that hold the tokens of one byte, which come first. */
const BYTE_WORDS = 8;

export const schemas: Benchmark<Flags> = {
  name: 'schemas',
  summary: 'whether answers under random JSON schemas are valid, and how long schemas and tokens take',
  details: `A schema that takes over ${MAX_COMPILE_MS} ms, a token over ${MAX_TOKEN_MS} ms, and an answer that is not valid are goals missed.`,
  flags: () => [countFlag('--count <N>', 'schemas', 1000), seedFlag()],
  run: runSchemas,
};

async function runSchemas({ count, seed }: Flags, { note }: BenchContext): Promise<Report> {
  const random = seededRandom(seed);
  const vocabulary = madeUpVocabulary(random);
  const compileMs: number[] = [];
  const tokenMs: number[] = [];
  const faults: string[] = [];
  let [refused, answers] = [0, 0];
  for (let made = 0; made < count; made++) {
    const schema = randomSchema(random);
    const grammar = compiled(schema, vocabulary, compileMs);
    const text = grammar && answerUnder(grammar, random, tokenMs);
    if (!grammar) refused++;
    if (text === undefined) continue;
    answers++;
    const fault = faultOf(schema, text);
    if (fault !== undefined) faults.push(`${JSON.stringify(schema)} got ${text}: ${fault}`);
    if (made % 100 === 99) note(`${made + 1} schemas`);
  }
  return report({
    ...{ schemas: count, refused, answers, invalid: faults.length, tokens: tokenMs.length },
    longestCompileMs: Math.max(...compileMs),
    medianTokenMs: tokenMs.sort((a, b) => a - b)[Math.floor(tokenMs.length / 2)] ?? 0,
    longestTokenMs: tokenMs.at(-1) ?? 0,
  }, faults);
} // prettier-ignore

/** Checked as an engine does and compiled as a worker does. @returns undefined for one that is refused */
function compiled(schema: RandomSchema, vocabulary: Vocabulary, times: number[]): TokenGrammar | undefined {
  const start = performance.now();
  try {
    checkGrammar({ type: 'json', schema });
    return new TokenGrammar({ type: 'json', schema }, vocabulary);
  } catch (error) {
    if (error instanceof KvrError && error.code === 'BAD_INPUT') return undefined;
    throw error;
  } finally {
    times.push(performance.now() - start);
  }
}

/** @returns a whole answer; undefined where it did not end in time */
function answerUnder(grammar: TokenGrammar, random: () => number, times: number[]): string | undefined {
  const matcher = new Matcher(grammar, [END]);
  const bytes: Uint8Array[] = [];
  for (let count = 0; count < MAX_TOKENS; count++) {
    const start = performance.now();
    const { mask } = matcher;
    const maskMs = performance.now() - start;
    const id = drawn(mask, random);
    if (matcher.canEnd && (id === END || random() < 0.3)) return Buffer.concat(bytes).toString();
    const accepted = performance.now();
    matcher.accept(id);
    times.push(maskMs + performance.now() - accepted);
    bytes.push(grammar.vocabulary.bytesOf(id));
  }
  return undefined;
}

/** One of the tokens that may come next; as often as not a single byte, since those bring texts to their end. END where there is none. */
function drawn(mask: Mask, random: () => number): number {
  const words = mask.subarray(0, random() < 0.5 ? BYTE_WORDS : mask.length);
  const among = words.some((word) => word !== 0) ? words : mask;
  const ids: number[] = [];
  for (const [word, bits] of among.entries())
    for (let bit = 0, left = bits; left !== 0; bit++, left >>>= 1) if (left & 1) ids.push(32 * word + bit);
  return ids[Math.floor(random() * ids.length)] ?? END;
}

/** All bytes, numbers of up to three digits, signs of JSON, and made-up words. */
function madeUpVocabulary(random: () => number): Vocabulary {
  const signs = ['{"', '": ', '":', '", "', '","', '"}', '"]', '},', '],', ': "', '[{"', ', ', 'true', 'false', 'null'];
  const numbers = Array.from({ length: 1000 }, (_, value) => String(value));
  const syllable = (): string => `${'bcdfghklmnprstvwz'[Math.floor(random() * 17)] ?? ''}${'aeiouäé'[Math.floor(random() * 7)] ?? ''}`;
  const words = new Set<string>();
  while (words.size < VOCABULARY_TOKENS - 1300)
    words.add(`${random() < 0.5 ? ' ' : ''}${Array.from({ length: 1 + Math.floor(random() * 4) }, syllable).join('')}`);
  const texts = [...signs, ...numbers, ...words].map((text) => new Uint8Array(Buffer.from(text)));
  const all = [new Uint8Array(), ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), ...texts];
  const names = { vocabulary: all.length, bytesOf: (id: number) => all[id] ?? new Uint8Array(), nameOf: () => undefined };
  return new Vocabulary(packVocabulary(names), all.length);
} // prettier-ignore

const { figure } = columnsOf<Row>();
const COLUMNS = [
  figure('schemas', ({ schemas: count }) => count),
  figure('refused', ({ refused }) => refused),
  figure('answers', ({ answers }) => answers),
  figure('invalid', ({ invalid }) => invalid),
  figure('tokens', ({ tokens }) => tokens),
  figure('longest compile', ({ longestCompileMs }) => longestCompileMs, 1),
  figure('median token', ({ medianTokenMs }) => medianTokenMs, 3),
  figure('longest token', ({ longestTokenMs }) => longestTokenMs, 1),
];

function report(row: Row, faults: readonly string[]): Report {
  const { longestCompileMs, longestTokenMs } = row;
  const missed = [
    ...faults.slice(0, 10),
    ...(longestCompileMs > MAX_COMPILE_MS
      ? [`a schema took ${longestCompileMs.toFixed(0)} ms, at most ${MAX_COMPILE_MS}`]
      : []),
    ...(longestTokenMs > MAX_TOKEN_MS
      ? [`a token took ${longestTokenMs.toFixed(0)} ms, at most ${MAX_TOKEN_MS}`]
      : []),
  ];
  const title = 'Answers under random JSON schemas, times in ms';
  return { tables: [tableOf({ name: 'schemas', title, label: 'measured' }, COLUMNS, [row])], missed };
}
