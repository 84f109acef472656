/**
 * `kvr inspect`: what a checkpoint is, and what memory its workers will need, without running it.
 */
import { Option } from 'commander';
import { z } from 'zod';
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { evenPartition } from '../../core/partition.js';
import { type Dtype, DTYPES, KV_DTYPES, kvBytesPerToken } from '../../core/shape.js';
import { workerMemory, type WorkerMemory } from '../../engine/load/memory.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import { defaultDecodeThreads, defaultThreads } from '../../engine/options/defaults.js';
import { compileModel } from '../../model/compile.js';
import { openCheckpoint } from '../../model/open.js';
import { compileKernels } from '../../runtime/cpu/compile-kernels.js';
import { byteTokenizer, loadTokenizer } from '../../tokenizer/index.js';
import { usableCacheFolder } from '../run/cache-check.js';
import type { Command } from '../run/command.js';
import { runContext } from '../run/engine-run.js';
import {
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { cut, formatBytes, formatCount, oneLine } from '../terminal/format.js';
import {
  DEFAULT_WINDOW_TOKENS,
  formsOf,
  qualityLines,
  readQualityText,
  runQuality,
} from './inspect-quality.js';
import { paintFor } from '../terminal/paint.js';
import type { Output, Shell } from '../terminal/shell.js';

type Flags = Omit<ModelFlags, 'kvMemory' | 'calibrate' | 'dtype'> &
  OutputFlags & {
    readonly dtype?: Dtype;
    readonly context?: number;
    readonly maxTokens?: number;
    readonly quality?: string;
  };

/** Memory is told for a prompt of this many tokens where nothing else is asked for and the model takes as many. */
const DEFAULT_CONTEXT_TOKENS = 4096;
const DEFAULT_NEW_TOKENS = 256;
const contextSchema = z.number().int().min(1).max(1_048_576);
const FLAGS = ['workers', 'threads', 'decode-threads', 'dtype', 'kv-dtype', 'cache-dir', 'chunk-tokens'];

export const inspect: Command<Flags> = {
  name: 'inspect',
  summary: 'what a checkpoint is, and the memory its workers need',
  flags: () => [
    modelFlag(),
    numberFlag(
      '-c, --context <N>',
      `prompt tokens to tell the memory for; as many as the model takes, but no more than ${DEFAULT_CONTEXT_TOKENS}, unless given`,
      contextSchema,
    ),
    numberFlag(
      '-n, --max-tokens <N>',
      `new tokens after the prompt, which the last worker keeps; ${DEFAULT_NEW_TOKENS} unless given`,
      contextSchema,
    ),
    new Option(
      '--quality <TEXTFILE>',
      `read this UTF-8 text with every dtype and, at f32, with f16 keys and values (or with --dtype and --kv-dtype alone), and tell how far from f32 each is, in windows of --context tokens (${DEFAULT_WINDOW_TOKENS} unless given)`,
    ),
    ...machineFlags(DTYPES).filter((option) => FLAGS.includes(option.name())),
    ...outputFlags(),
  ],
  epilogue: `Memory is a prediction for an even partition: what a worker process has resident after such a request. Weights are files that
all workers of a machine share, so workers together need less than the sum. A worker that decodes with the threads of all has them
mapped, and counted as resident, twice ("again").

--json prints { "model", "architecture", "parameters", "layers", "hidden", "heads", "kvHeads", "headDim", "feedForward",
"vocabulary", "contextTokens", "dtype", "kvDtype", "kvBytesPerToken", "tokenizer", "hasChatTemplate", "digest", "isCompiled",
"workers", "memoryTokens", "newTokens", "workerBytes", "memory" }. workerBytes is that of the worker that needs most; "memory" has
its parts for every rank. With --quality also "quality": { "label", "textTokens", "predictedTokens", "windowTokens",
"dtypes": [ { "dtype", "kvDtype", "perplexity", "perplexityChange", "meanDivergence", "sameTokenShare", "weightBytes" } ] }.
The first is f32 with f32 keys and values, which the others are compared with: perplexityChange is that over its perplexity, less 1;
meanDivergence is the mean Kullback-Leibler divergence from it in nats.

Examples:
  kvr inspect --model quote --workers 2
  kvr inspect --model ./my-checkpoint --quality my-text.txt`,
  run: runInspect,
};

async function runInspect(flags: Flags, _argument: string | undefined, shell: Shell): Promise<void> {
  const { progress } = runContext(shell, flags);
  const text = flags.quality === undefined ? undefined : await readQualityText(flags.quality, shell.signal);
  const cache = await usableCacheFolder(flags.cacheDir);
  const onProgress = (fraction: number, what: string): void => progress.update(what, fraction);
  const checkpoint = await openCheckpoint(flags.model, {
    cacheFolder: cache,
    signal: shell.signal,
    onProgress,
  }).finally(() => progress.clear());
  try {
    const facts = await factsOf(checkpoint, flags, cache);
    const { context, dtype, kvDtype } = flags;
    const quality =
      text === undefined
        ? undefined
        : await runQuality(
            checkpoint,
            text,
            { context, forms: formsOf(dtype, kvDtype), cacheFolder: cache },
            progress,
            shell.signal,
          );
    if (flags.json) shell.stdout.write(`${JSON.stringify({ ...facts, ...(quality && { quality }) })}\n`);
    else {
      const lines = quality ? ['', ...qualityLines(quality, shell.stdout), ''] : [];
      shell.stdout.write(description(facts, shell.stdout) + lines.join('\n'));
    }
  } finally {
    await checkpoint.close();
  }
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf(checkpoint: Checkpoint, flags: Flags, cache: string) {
  const { name, shape, parameters, digest, tokenizerFolder } = checkpoint;
  const { dtype = DTYPES[0], kvDtype = KV_DTYPES[0] } = flags;
  const workers = Array.isArray(flags.workers) ? flags.workers.length : (flags.workers ?? 1);
  const { chunkTokens = DEFAULT_CHUNK_TOKENS } = flags;
  const { memoryTokens, newTokens } = memoryTokensOf(flags, shape.contextTokens);
  const facts = {
    shape,
    dtype,
    kvDtype,
    newTokens,
    chunkTokens,
    allowsAllCoreDecode: allowsAllCoreDecode(flags, dtype),
  };
  const memory = evenPartition(memoryTokens, workers).map((slice, rank, { length }) =>
    workerMemory({ ...facts, slice, isLast: rank === length - 1 }),
  );
  const { architecture, layers, hidden, heads, kvHeads, headDim, feedForward, vocabulary, contextTokens } =
    shape;
  return {
    model: name,
    ...{
      architecture,
      parameters,
      layers,
      hidden,
      heads,
      kvHeads,
      headDim,
      feedForward,
      vocabulary,
      contextTokens,
    },
    dtype,
    kvDtype,
    kvBytesPerToken: kvBytesPerToken(shape, kvDtype),
    tokenizer: tokenizerFolder === undefined ? 'bytes' : 'tokenizer.json',
    hasChatTemplate: await hasChatTemplate(checkpoint),
    digest,
    isCompiled: await isCompiled(checkpoint, dtype, cache),
    workers: memory.length,
    memoryTokens,
    newTokens,
    workerBytes: Math.max(...memory.map(({ totalBytes }) => totalBytes)),
    memory,
  };
}

/** Whether workers started with these flags would decode with each other's cores. Running ones do not. */
function allowsAllCoreDecode({ workers = 1, threads, decodeThreads }: Flags, dtype: Dtype): boolean {
  if (Array.isArray(workers)) return false;
  const own = threads ?? defaultThreads(workers);
  return (decodeThreads ?? defaultDecodeThreads(dtype, workers, own)) > own;
}

/** @throws PROMPT_TOO_LONG where the model takes fewer tokens than are asked for */
function memoryTokensOf(
  { context, maxTokens }: Pick<Flags, 'context' | 'maxTokens'>,
  contextTokens: number,
): { memoryTokens: number; newTokens: number } {
  // Half of a very short context is left for the prompt.
  const newTokens = maxTokens ?? Math.min(DEFAULT_NEW_TOKENS, Math.floor(contextTokens / 2));
  const memoryTokens = context ?? Math.max(1, Math.min(contextTokens - newTokens, DEFAULT_CONTEXT_TOKENS));
  if (memoryTokens + newTokens <= contextTokens) return { memoryTokens, newTokens };
  const message = `${memoryTokens} prompt tokens and ${newTokens} new ones are more than the model's context of ${contextTokens}; lower --context or --max-tokens`;
  throw new KvrError('PROMPT_TOO_LONG', message, { contextTokens });
}

async function hasChatTemplate({ tokenizerFolder, shape }: Checkpoint): Promise<boolean> {
  const tokenizer =
    tokenizerFolder === undefined ? byteTokenizer(shape.vocabulary) : await loadTokenizer(tokenizerFolder);
  return tokenizer.hasChatTemplate;
}

/** Asks the compiler with a signal that has fired: it finds what is there and begins nothing. */
async function isCompiled(checkpoint: Checkpoint, dtype: Dtype, cache: string): Promise<boolean> {
  try {
    const signal = AbortSignal.abort();
    await compileModel(checkpoint, {
      cacheFolder: cache,
      dtype,
      ...compileKernels(),
      signal,
    });
    return true;
  } catch (error) {
    if (error instanceof KvrError && error.code === 'CANCELLED') return false;
    throw error;
  }
}

function description(facts: Facts, output: Output): string {
  const paint = paintFor(output.hasColours);
  const rows: [name: string, value: string][] = [
    ['model', oneLine(facts.model)],
    ['architecture', `${facts.architecture}, ${facts.layers} layers, ${facts.hidden} wide`],
    ['attention', `${facts.heads} heads of ${facts.headDim}, ${facts.kvHeads} for keys and values`],
    ['feed-forward', `${formatCount(facts.feedForward)} wide`],
    ['parameters', formatCount(facts.parameters)],
    ['vocabulary', `${formatCount(facts.vocabulary)} tokens, ${facts.tokenizer}`],
    ['chat template', facts.hasChatTemplate ? 'yes' : 'none'],
    ['context', `${formatCount(facts.contextTokens)} tokens`],
    ['keys and values', `${formatBytes(facts.kvBytesPerToken)} a token, ${facts.kvDtype}`],
    ['digest', facts.digest.slice(0, 24)],
    [
      'compiled',
      facts.isCompiled ? `yes, ${facts.dtype}` : `no; the first run compiles it to ${facts.dtype}`,
    ],
  ];
  const lines = rows.map(
    ([name, value]) => `${paint('dim', name.padEnd(16))} ${cut(value, output.columns - 17)}`,
  );
  return `${[...lines, '', ...memoryLines(facts, output)].join('\n')}\n`;
}

const PARTS = ['weightBytes', 'wideBytes', 'kvBytes', 'activationBytes', 'baseBytes', 'totalBytes'] as const;
const HEADINGS = ['weights', 'again', 'KV', 'activations', 'process', 'in all'];

function memoryLines({ memory, memoryTokens, newTokens }: Facts, { columns }: Output): string[] {
  const cell = (text: string): string => text.padStart(12);
  const row = (part: WorkerMemory, rank: number): string =>
    `rank ${String(rank).padStart(3)}${PARTS.map((name) => cell(formatBytes(part[name]))).join('')}`;
  return [
    `memory a worker will need (predicted), ${formatCount(memoryTokens)} prompt tokens + ${formatCount(newTokens)} new`,
    `        ${HEADINGS.map(cell).join('')}`,
    ...memory.map(row),
  ].map((line) => cut(line, columns));
}
