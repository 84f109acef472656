/**
 * What an engine and a request may be given, with every bound in one place. Checked once, here; inside, trusted.
 */
import { availableParallelism, totalmem } from 'node:os';
import { z } from 'zod';
import { firstLine, KvrError } from '../../core/errors.js';
import { MAX_RANKS } from '../../core/partition.js';
import { samplingSchema } from '../../core/sampling.js';
import { type Dtype, DTYPES, KV_DTYPES } from '../../core/shape.js';
import { grammarSchema } from '../../grammar/grammar.js';
import { isSchema, type Schema } from '../../grammar/schema/schema.js';
import { MAX_LOCAL_WORKERS } from '../../cluster/local.js';
import type { CompileFacts } from '../../model/compile.js';
import { STRATEGIES } from '../../core/strategy.js';
import { MAX_REQUESTS } from '../../worker/protocol/index.js';

/** Rows that go through a block in one call: enough for the matrix kernels' full speed, little memory (measured). */
export const DEFAULT_CHUNK_TOKENS = 512;
/** Part of the machine's memory that the KV-caches of all its workers may take. */
const KV_MEMORY_SHARE = 0.5;

/** Enough for a last rank's steps to be shared by many; each more makes a step a little longer for all. */
export const DEFAULT_RUNNING = 16;

/** Requests that may wait for their turn unless told otherwise; each holds only its ids. */
export const MAX_WAITING = 256;

/** Texts of special tokens, which have none of their own, by id. */
export type ShownTokens = ReadonlyMap<number, string>;

/** Marks of one kind of call are two; a template has a few dozen special tokens at most. */
const MAX_SHOWN_TOKENS = 64;

export const DTYPE_CHOICES = [...DTYPES, 'auto'] as const;
export type AskedDtype = (typeof DTYPE_CHOICES)[number];

export const engineOptionsSchema = z.strictObject({
  /** A HuggingFace folder, `quote`, or `synthetic:NAME,layers=N`. */
  model: z.string().min(1),
  /** Worker processes on this machine, or the addresses (HOST:PORT, in chain order) of workers that already run. */
  workers: z
    .union([z.number().int().min(1).max(MAX_LOCAL_WORKERS), z.array(z.string()).min(1).max(MAX_RANKS)])
    .default(1),
  /** Kernel threads of each worker; by default the machine's cores shared out evenly. */
  threads: z.number().int().min(1).max(256).optional(),
  /**
   * Kernel threads of a worker that decodes while the others have nothing to do; by default those of all workers together
   * (16 at most), except with f32 weights, whose second mapping would double what the system shows as resident.
   */
  decodeThreads: z.number().int().min(1).max(256).optional(),
  /** 'auto' picks by memory and measured speed, and takes what running workers have. */
  dtype: z.enum(DTYPE_CHOICES).default('f32'),
  /** Of keys and values, in caches and on the wire; 'f16' halves both. */
  kvDtype: z.enum(KV_DTYPES).default('f32'),
  cacheDir: z.string().optional(),
  chunkTokens: z.number().int().min(1).max(65_536).default(DEFAULT_CHUNK_TOKENS),
  /** Bytes of KV-cache each worker may hold. */
  kvMemoryBytes: z.number().int().min(1).optional(),
  /**
   * The part of it that caches of ended requests may take, for later prompts that begin with the same tokens; 0 is
   * off. Workers that run already have a bound of their own.
   */
  prefixCacheBytes: z.number().int().min(0).default(0),
  /** Requests under way at once; what the workers' memory has no room for waits as well. */
  maxRunning: z.number().int().min(1).max(MAX_REQUESTS).default(DEFAULT_RUNNING),
  /** Requests that may wait for their turn; one more is refused with BUSY. */
  maxWaiting: z.number().int().min(1).max(100_000).default(MAX_WAITING),
  /**
   * Measure the workers and links (once; kept in the cache) so that requests are planned; without, cuts are even.
   * 'fresh' measures again whatever is kept: links change without a trace.
   */
  calibrate: z.union([z.boolean(), z.literal('fresh')]).default(true),
});

export type EngineHooks = {
  readonly signal?: AbortSignal;
  /** Long steps of loading: `what` names the step, `fraction` goes from 0 to 1. */
  readonly onProgress?: (what: string, fraction: number) => void;
  /** What was decided where the options leave it open, one line each. */
  readonly onChoice?: (words: string) => void;
  /** What compiling took; not called where the model was in the cache. */
  readonly onCompiled?: (facts: CompileFacts) => void;
};
export type EngineOptions = z.input<typeof engineOptionsSchema> & EngineHooks;
export type AskedSettings = z.output<typeof engineOptionsSchema>;
/** With everything decided. */
export type EngineSettings = Omit<AskedSettings, 'dtype'> & { readonly dtype: Dtype };

const partitionChoice = z.union([
  z.enum(['auto', 'e', 's', 'p']),
  z.array(z.number().int().min(0)).min(1).max(1024),
]);

export const requestSchema = z.strictObject({
  /** Text as it is; the tokenizer adds what it adds (a begin token). */
  prompt: z.string().optional(),
  /** Token ids as they are, nothing added. */
  promptIds: z.array(z.number().int().min(0)).optional(),
  /** A conversation, put together by the model's chat template. */
  messages: z
    .array(z.looseObject({ role: z.string(), content: z.string().nullable() }))
    .min(1)
    .optional(),
  maxTokens: z.number().int().min(1).max(1_000_000).default(256),
  sampling: samplingSchema.partial().default({}),
  stop: z.array(z.string().min(1)).max(64).default([]),
  /** Special tokens, which have no text of their own, that show in the answer, and as which text, by id. */
  shownTokens: z
    .custom<ShownTokens>(areShownTokens, `must be a Map of at most ${MAX_SHOWN_TOKENS} token ids to texts`)
    .optional(),
  /** The answer is one JSON value that is valid against this JSON schema; true for any value. */
  jsonSchema: z.union([z.boolean(), z.custom<Schema>(isSchema, 'must be a JSON schema')]).optional(),
  /** What the answer may be; `jsonSchema` is the grammar of one JSON value. */
  grammar: grammarSchema.optional(),
  strategy: z.enum(STRATEGIES).default('kvr'),
  /** 'auto' is planned; 'e' even, 's' searched on the cost model, 'p' looked up; numbers are sizes in rank order. */
  partition: partitionChoice.default('auto'),
  /** How many of the engine's workers take part; all unless given. */
  workers: z.number().int().min(1).optional(),
  /** The whole request may take this long. */
  deadlineMs: z.number().int().min(1).max(86_400_000).optional(),
  /** Tokens at which a chunk of rows must end as well: how one worker runs other workers' slices for emulation. */
  chunkEnds: z.array(z.number().int().min(0)).max(1024).default([]),
  /** Go on from rows of earlier requests, and keep this one's, as far as the engine's workers keep any. */
  prefixCache: z.boolean().default(true),
  /** Report the logits after the prompt. */
  wantLogits: z.boolean().default(false),
});
export type GenerateRequest = z.input<typeof requestSchema> & { readonly signal?: AbortSignal };
export type GenerateSettings = z.output<typeof requestSchema>;

function areShownTokens(value: unknown): boolean {
  if (!(value instanceof Map) || value.size > MAX_SHOWN_TOKENS) return false;
  return [...value].every(([id, text]) => Number.isInteger(id) && typeof text === 'string');
}

/** Parses options or a request. @throws BAD_INPUT naming the option, its value's fault and the bound */
export function parseOptions<T>(schema: z.ZodType<T>, given: unknown, what: string): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join('.') || what;
  throw new KvrError('BAD_INPUT', `${path}: ${firstLine(issue?.message ?? 'is not valid')}`);
}

export function defaultThreads(workers: number): number {
  return Math.max(1, Math.floor(availableParallelism() / workers));
}

/** Every graph has threads of its own, so there is a bound where nobody names a number; what more bring is not measured. */
const MOST_DECODE_THREADS = 16;

/** Those of all workers, as far as there are cores. */
export function defaultDecodeThreads(dtype: Dtype, workers: number, threads: number): number {
  if (dtype === 'f32') return threads;
  return Math.max(threads, Math.min(availableParallelism(), workers * threads, MOST_DECODE_THREADS));
}

export function defaultKvBytes(workers: number): number {
  return Math.floor((totalmem() * KV_MEMORY_SHARE) / workers);
}

/** A quarter of the KV-cache each worker may hold: what those keep who answer one prompt after another. */
export function defaultPrefixCacheBytes(
  workers: EngineOptions['workers'] = 1,
  kvMemoryBytes = defaultKvBytes(typeof workers === 'number' ? workers : 1),
): number {
  return Math.floor(kvMemoryBytes / 4);
}
