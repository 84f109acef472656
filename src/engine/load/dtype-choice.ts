/**
 * `dtype: 'auto'`: which element type the weights of local workers get. A small model keeps f32, which is exact; one that was
 * quantised before, what it is closest to. Of the types that fit into free memory it is else the first of a fixed order, unless
 * measurements kept from this machine say that another one is clearly faster.
 */
import { freemem } from 'node:os';
import { localWorkerId } from '../../cluster/worker-source.js';
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { evenPartition } from '../../core/partition.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import { blocksBytes, headBytes, tailBytes } from '../../model/graph/weight-bytes.js';
import { planPartition } from '../../plan/index.js';
import { readKnowledge } from '../partition/calibration-store.js';
import { type WorkerMemory, workerMemory } from './memory.js';
import type { AskedSettings } from '../options/options.js';
import { defaultThreads } from '../options/defaults.js';

/**
 * The fastest first, and of those as fast as each other the one that loses less: prompt tokens/s 920, 568, 579 and
 * perplexity +0.4 %, +0.2 %, +2.8 % (measured: TinyLlama's shape, 2,048 tokens, 2 workers; stories260k). f32 is exact, and last.
 */
export const AUTO_ORDER: readonly Dtype[] = ['w8a8', 'q8', 'q4', 'f32'];
/** At this size all types answer faster than people read (f32: some 100 tokens/s by 13 GB/s of memory), so nothing is given up. */
const SMALL_BYTES = 128e6;
/** Another type is taken before an earlier one only where it takes at most this part of its time. */
const CLEARLY_FASTER = 0.9;
/** The request that memory and speed are estimated for, or as much of it as the model takes. */
const PROMPT_TOKENS = 4096;
const NEW_TOKENS = 256;

export type DtypeCandidate = {
  readonly dtype: Dtype;
  /** Of all workers together. */
  readonly neededBytes: number;
  /** Predicted from measurements of this type on this machine; absent where there are none. */
  readonly ttftMs?: number;
};
export type DtypeChoice = {
  readonly dtype: Dtype;
  /** Absent where nothing was given up, and so there is nothing to tell. */
  readonly reason?: string;
};

/** @param candidates in order of preference, not empty. @throws BAD_INPUT where none fits */
export function chooseDtype(candidates: readonly DtypeCandidate[], availableBytes: number): DtypeChoice {
  const fitting = candidates.filter(({ neededBytes }) => neededBytes <= availableBytes);
  const [first] = fitting;
  if (!first) throw noneFits(candidates, availableBytes);
  const fastest = fitting.reduce((best, each) => (timeOf(each) < timeOf(best) ? each : best));
  const isMeasured = first.ttftMs !== undefined;
  const isFaster = isMeasured && timeOf(fastest) <= CLEARLY_FASTER * timeOf(first);
  const { dtype, neededBytes } = isFaster ? fastest : first;
  const room = `${gigabytes(neededBytes)} of ${gigabytes(availableBytes)} free memory`;
  const exact = dtype === 'f32' ? '' : '; f32 is exact';
  return { dtype, reason: `${room}; ${speedWords(dtype, first, fitting)}${exact}` };
}

/** The suggested type alone where it fits, else what the order and measurements say. */
function chooseSuggested(
  candidates: readonly DtypeCandidate[],
  availableBytes: number,
  suggested: Checkpoint['suggestedDtype'],
): DtypeChoice {
  const candidate = candidates.find(({ dtype }) => dtype === suggested?.dtype);
  if (!suggested || !candidate || candidate.neededBytes > availableBytes)
    return chooseDtype(candidates, availableBytes);
  return { dtype: suggested.dtype, reason: suggested.reason };
}

function timeOf({ ttftMs }: DtypeCandidate): number {
  return ttftMs ?? Infinity;
}

function speedWords(dtype: Dtype, first: DtypeCandidate, fitting: readonly DtypeCandidate[]): string {
  const measured = fitting.filter(({ ttftMs }) => ttftMs !== undefined);
  if (first.ttftMs === undefined || measured.length < 2) {
    const order = fitting.map((each) => each.dtype).join(', ');
    return `not measured here, so by the usual order ${order}`;
  }
  const times = measured.map((each) => `${each.dtype} ${timeOf(each).toFixed(0)} ms`).join(', ');
  const why = dtype === first.dtype ? 'none is clearly faster by' : 'the fastest by';
  return `${why} measurements here: ${times}`;
}

function noneFits(candidates: readonly DtypeCandidate[], availableBytes: number): KvrError {
  const least = candidates.reduce((best, each) => (each.neededBytes < best.neededBytes ? each : best));
  return new KvrError(
    'BAD_INPUT',
    `dtype auto: none fits; ${least.dtype} needs least, ${gigabytes(least.neededBytes)} for all workers, and ${gigabytes(availableBytes)} are free; use fewer workers or a smaller model`,
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(2)} GB`;
}

export type DtypeAsk = Pick<AskedSettings, 'chunkTokens' | 'kvDtype' | 'threads'> & {
  readonly checkpoint: Pick<Checkpoint, 'shape' | 'digest' | 'suggestedDtype'>;
  /** Local ones. */
  readonly workers: number;
  readonly cacheFolder: string;
};

/** Chooses for this machine as it is now. @throws BAD_INPUT where none fits */
export async function pickDtype(ask: DtypeAsk): Promise<DtypeChoice> {
  const { shape, suggestedDtype } = ask.checkpoint;
  if (weightBytes(shape) <= SMALL_BYTES) return { dtype: 'f32' };
  const newTokens = Math.min(NEW_TOKENS, Math.floor(shape.contextTokens / 2));
  const promptTokens = Math.max(1, Math.min(PROMPT_TOKENS, shape.contextTokens - newTokens));
  const candidates: DtypeCandidate[] = [];
  for (const dtype of AUTO_ORDER) {
    const ttftMs = await keptTtftMs(ask, dtype, promptTokens);
    const neededBytes = neededBytesOf(ask, dtype, promptTokens, newTokens);
    candidates.push({ dtype, neededBytes, ...(ttftMs !== undefined && { ttftMs }) });
  }
  return chooseSuggested(candidates, availableBytes(), suggestedDtype);
}

/** As f32, of what a worker reads for every token. */
function weightBytes(shape: ModelShape): number {
  return blocksBytes(shape, 'f32') + tailBytes(shape, 'f32') + headBytes(shape, 'f32');
}

/** Memory that is free without swapping; in a container its own limit, where Node reports it. */
function availableBytes(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory?.call(process) ?? freemem();
}

function neededBytesOf(ask: DtypeAsk, dtype: Dtype, promptTokens: number, newTokens: number): number {
  const { workers, chunkTokens, kvDtype } = ask;
  const { shape } = ask.checkpoint;
  const ranks = evenPartition(promptTokens, Math.min(workers, promptTokens));
  const each = ranks.map((slice, rank) =>
    workerMemory({ shape, dtype, kvDtype, slice, isLast: rank === ranks.length - 1, newTokens, chunkTokens }),
  );
  return togetherBytes(each);
}

/** Mapped weights lie in memory once, whoever uses them. */
function togetherBytes(workers: readonly WorkerMemory[]): number {
  const weights = workers.map(({ weightBytes }) => weightBytes);
  const own = workers.reduce((sum, { totalBytes, weightBytes }) => sum + totalBytes - weightBytes, 0);
  return own + Math.max(...weights);
}

/** From kept measurements of the same workers with this type. */
async function keptTtftMs(ask: DtypeAsk, dtype: Dtype, promptTokens: number): Promise<number | undefined> {
  const { workers, chunkTokens, kvDtype, cacheFolder } = ask;
  const { shape, digest } = ask.checkpoint;
  const threads = ask.threads ?? defaultThreads(workers);
  const local = Array.from({ length: workers }, (_, rank) => ({ id: localWorkerId(rank), threads }));
  const knowledge = await readKnowledge(cacheFolder, { digest, dtype, kvDtype, chunkTokens, workers: local });
  if (!knowledge) return undefined;
  return planPartition({ contextTokens: promptTokens, ...knowledge, shape }).predictedTtftMs;
}
