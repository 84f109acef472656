/**
 * The flags that commands share, as data: how they are typed, what they mean, how their text becomes a value. Bounds
 * and defaults are the engine's own.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { MAX_LOCAL_WORKERS } from '../cluster/local.js';
import { KvrError } from '../core/errors.js';
import { parseAddress } from '../link/address.js';
import { samplingSchema } from '../core/sampling.js';
import { KV_DTYPES, type KvDtype } from '../core/shape.js';
import {
  type AskedDtype,
  DEFAULT_CHUNK_TOKENS,
  DTYPE_CHOICES,
  engineOptionsSchema,
  type EngineOptions,
  type GenerateRequest,
  requestSchema,
} from '../engine/options.js';
import { type Strategy, STRATEGIES } from '../worker/protocol.js';
import { describeBounds, parseNumber, shown } from './numbers.js';

export type OutputFlags = { readonly json?: true; readonly quiet?: true; readonly verbose?: true };

export type ModelFlags = {
  readonly model: string;
  readonly workers?: number | string[];
  readonly threads?: number;
  readonly decodeThreads?: number;
  readonly dtype?: AskedDtype;
  readonly kvDtype?: KvDtype;
  readonly cacheDir?: string;
  readonly chunkTokens?: number;
  readonly kvMemory?: number;
  readonly prefixCache?: number;
  /** True unless --no-calibrate is given. */
  readonly calibrate?: boolean;
};

export type SamplingFlags = {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: string[];
};

export type ChainFlags = {
  readonly strategy?: Strategy;
  readonly partition?: NamedCut | number[];
  /** Seconds. */
  readonly deadline?: number;
};

/** Cuts by name, as the engine knows them. */
const NAMED_CUTS = ['auto', 'e', 's', 'p'] as const;
type NamedCut = (typeof NAMED_CUTS)[number];

const BYTES_PER_MB = 1e6;
const secondsSchema = z.number().min(0.001).max(86_400);
const megabytesSchema = z.number().int().min(1).max(1_000_000_000);
const megabytesOrNoneSchema = z.number().int().min(0).max(1_000_000_000);

const workersSchema = z.number().int().min(1).max(MAX_LOCAL_WORKERS);

const engineShape = engineOptionsSchema.shape;
const requestShape = requestSchema.shape;
const samplingShape = samplingSchema.shape;

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

export const modelFlag = (): Option =>
  new Option(
    '-m, --model <MODEL>',
    'a HuggingFace folder, "quote", or "synthetic:NAME,layers=N" for random weights',
  ).makeOptionMandatory();

/**
 * A fresh list each time, since a parsed command keeps the options it was given.
 * @param dtypes without 'auto' where there is nothing to decide it by
 */
export const machineFlags = (dtypes: readonly AskedDtype[] = DTYPE_CHOICES): Option[] => [
  new Option(
    '-w, --workers <N|ADDRESSES>',
    `worker processes (${describeBounds(workersSchema)}); 1 unless given, or as many as --partition has sizes; or running ones as HOST:PORT,HOST:PORT in chain order`,
  ).argParser(parseWorkers),
  numberFlag(
    '-t, --threads <N>',
    'threads of each worker; the cores shared out evenly unless given',
    engineShape.threads,
  ),
  numberFlag(
    '--decode-threads <N>',
    'threads of a worker that writes the answer while the others rest; at f32 --threads unless given, else those of all workers',
    engineShape.decodeThreads,
  ),
  choiceFlag(
    '--dtype <TYPE>',
    `element type of the weights; f32 unless given${dtypes.includes('auto') ? ', auto picks by memory and measured speed' : ''}`,
    dtypes,
  ),
  choiceFlag(
    '--kv-dtype <TYPE>',
    'element type of keys and values; f16 halves their memory and what workers send each other; f32 unless given',
    KV_DTYPES,
  ),
  new Option(
    '--cache-dir <DIR>',
    'where compiled models are kept; KVR_CACHE_DIR or ~/.cache/kv-runahead unless given',
  ),
  numberFlag(
    '--chunk-tokens <N>',
    `prompt tokens in one kernel call; ${DEFAULT_CHUNK_TOKENS} unless given`,
    engineShape.chunkTokens,
  ),
  numberFlag(
    '--kv-memory <MB>',
    'most memory for keys and values, each worker; half of the machine, shared out, unless given',
    megabytesSchema,
  ),
  numberFlag(
    '--prefix-cache <MB>',
    'the part of it that may keep ended requests, for prompts that begin alike; unless given a quarter in chat, else 0, off',
    megabytesOrNoneSchema,
  ),
  new Option('--no-calibrate', 'do not measure the workers at first use; without figures slices are even'),
];

export const outputFlags = (): Option[] => [
  new Option(
    '--json',
    'print exactly one JSON document to stdout, also for a failure: { "error": { "code", "message" } }',
  ),
  new Option('-q, --quiet', 'print nothing but the answer and errors'),
  new Option('--verbose', 'print the stack of an error too'),
];

export const samplingFlags = (): Option[] => [
  numberFlag('-n, --max-tokens <N>', 'new tokens at most; 256 unless given', requestShape.maxTokens),
  numberFlag(
    '--temperature <T>',
    'randomness; 0, always the likeliest token, unless given',
    samplingShape.temperature,
  ),
  numberFlag('--top-k <K>', 'draw from the K likeliest tokens; 0 is off', samplingShape.topK),
  numberFlag(
    '--top-p <P>',
    'draw from the likeliest tokens that reach this probability; 1 is off',
    samplingShape.topP,
  ),
  numberFlag(
    '--min-p <P>',
    'leave out tokens less likely than P times the likeliest; 0 is off',
    samplingShape.minP,
  ),
  numberFlag(
    '--repetition-penalty <R>',
    'make tokens seen before less likely; 1 is off',
    samplingShape.repetitionPenalty,
  ),
  numberFlag('--seed <N>', 'same seed, same text; 0 unless given', samplingShape.seed),
  new Option('--stop <TEXT>', 'end before this text; can be given more than once').argParser(
    (value: string, before: string[] | undefined) => [...(before ?? []), notEmpty('--stop', value)],
  ),
];

export const chainFlags = (): Option[] => [
  choiceFlag('--strategy <NAME>', 'how the prompt phase is spread; kvr unless given', STRATEGIES),
  new Option(
    '--partition <CUT>',
    'auto plans for the measured workers and may leave some out, s plans for all, p looks up, e is even, or sizes in tokens as in 1100,948; auto unless given',
  ).argParser(parsePartition),
  numberFlag('--deadline <SECONDS>', 'give up after so long', secondsSchema),
];

/** @throws BAD_INPUT */
export function parsePartition(text: string): NamedCut | number[] {
  const name = NAMED_CUTS.find((each) => each === text);
  if (name !== undefined) return name;
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number);
  const remedy = `give ${NAMED_CUTS.join(', ')}, or whole numbers of at least 1 that add up to the prompt, as in 1100,948`;
  throw new KvrError('BAD_INPUT', `--partition ${shown(text)} is no partition; ${remedy}`);
}

/** @throws BAD_INPUT */
export function parseIds(text: string): number[] {
  if (/^\d{1,10}(,\d{1,10})*$/.test(text)) return text.split(',').map(Number);
  throw new KvrError(
    'BAD_INPUT',
    `--prompt-ids ${shown(text)} is no list of token ids; give whole numbers of at least 0, as in 1,403,407`,
  );
}

export function notEmpty(flag: string, text: string): string {
  if (text !== '') return text;
  throw new KvrError('BAD_INPUT', `${flag} is empty; give at least one character`);
}

/** A number of workers to start, or the addresses of running ones. @throws BAD_INPUT */
export function parseWorkers(text: string): number | string[] {
  if (!text.includes(':')) return parseNumber('--workers', text, workersSchema);
  const addresses = text.split(',');
  for (const address of addresses) parseAddress(address);
  return addresses;
}

/** What the engine is loaded with. @throws BAD_INPUT */
export function engineOptions(flags: ModelFlags & ChainFlags): EngineOptions {
  const { model, threads, decodeThreads, dtype, kvDtype, cacheDir } = flags;
  const { chunkTokens, kvMemory, prefixCache, calibrate } = flags;
  checkOwnWorkers(flags);
  const options = {
    threads,
    decodeThreads,
    dtype,
    kvDtype,
    cacheDir,
    chunkTokens,
    calibrate,
    kvMemoryBytes: kvMemory && kvMemory * BYTES_PER_MB,
    prefixCacheBytes: prefixCache === undefined ? undefined : prefixCache * BYTES_PER_MB,
  };
  return { model: notEmpty('--model', model), workers: workersOf(flags), ...defined(options) };
}

/** Workers that run already were given these where they were started. @throws BAD_INPUT */
function checkOwnWorkers(flags: ModelFlags): void {
  if (!Array.isArray(flags.workers)) return;
  const { threads, decodeThreads, kvMemory, prefixCache } = flags;
  if (decodeThreads !== undefined)
    throw new KvrError(
      'BAD_INPUT',
      '--decode-threads is for workers this command starts; those that run already decode with the --threads they were started with',
    );
  const asked = { '--threads': threads, '--kv-memory': kvMemory, '--prefix-cache': prefixCache };
  const given = Object.entries(asked).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  throw new KvrError(
    'BAD_INPUT',
    `${given} is for workers this command starts, and --workers names ones that run already; give ${given} to kvr worker`,
  );
}

/** Sizes say how many workers they are for; the engine's bound holds for them too. */
function workersOf({ workers, partition }: ModelFlags & ChainFlags): number | string[] {
  if (workers !== undefined) return workers;
  if (!Array.isArray(partition)) return 1;
  if (partition.length <= MAX_LOCAL_WORKERS) return partition.length;
  throw new KvrError(
    'BAD_INPUT',
    `--partition has ${partition.length} sizes, but there are at most ${MAX_LOCAL_WORKERS} workers; give fewer sizes`,
  );
}

/** What a request is sent with, beside its prompt. */
export function requestOptions(
  flags: SamplingFlags & ChainFlags,
): Omit<GenerateRequest, 'prompt' | 'promptIds' | 'messages' | 'signal'> {
  const { maxTokens, stop, strategy, partition, deadline, ...rest } = flags;
  const { temperature, topK, topP, minP, repetitionPenalty, seed } = rest;
  const deadlineMs = deadline === undefined ? undefined : Math.ceil(1000 * deadline);
  return {
    ...defined({ maxTokens, stop, strategy, partition, deadlineMs }),
    sampling: defined({ temperature, topK, topP, minP, repetitionPenalty, seed }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what was not given, so that the engine's own defaults hold. */
function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
