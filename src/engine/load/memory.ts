/**
 * The resident memory of a worker process while it answers requests, from the model's shape alone: what `kvr inspect`
 * predicts. Pure. the worker-memory benchmark compares it with what the system reports.
 */
import { type Slice, sliceTokens } from '../../core/partition.js';
import { hasWindows, kvBytesOf } from '../../core/kv-rows.js';
import { type Dtype, type KvDtype, kvHeadBytes, type ModelShape } from '../../core/shape.js';
import { activationFloatsPerRow } from '../../model/graph/blocks.js';
import { ALL_CORE_IDLE_TOKENS, MAX_GUESTS, MAX_STARTED } from '../../worker/compute/requests/pace.js';
import { blocksBytes, headBytes, tailBytes } from '../../model/graph/weight-bytes.js';

/** Bytes. Weights are files that all workers of a machine map: their sum counts those several times. */
export type WorkerMemory = {
  readonly weightBytes: number;
  readonly kvBytes: number;
  readonly activationBytes: number;
  /** The same weights, mapped once more to decode with all cores: resident, though no memory of their own. */
  readonly wideBytes: number;
  /** The process itself, without a model. */
  readonly baseBytes: number;
  readonly totalBytes: number;
};

export type WorkerMemoryInput = {
  readonly shape: ModelShape;
  readonly dtype: Dtype;
  readonly kvDtype: KvDtype;
  readonly slice: Slice;
  /** The last rank also decodes: it holds the answer's keys and values. */
  readonly isLast: boolean;
  readonly newTokens: number;
  readonly chunkTokens: number;
  /** Such requests at once; 1 unless given. What the workers' KV memory has no room for waits elsewhere and is not one of them. */
  readonly running?: number;
  /** Workers of one machine, of which the last decodes with the threads of all. */
  readonly allowsAllCoreDecode?: boolean;
};

export function workerMemory(input: WorkerMemoryInput): WorkerMemory {
  const { shape, dtype, kvDtype, slice, isLast, newTokens, running = 1 } = input;
  const weightBytes = residentWeightBytes(shape, dtype);
  const kvRows = { start: slice.start, end: slice.end + (isLast ? newTokens : 0) };
  const kvBytes = running * kvBytesOf(shape, kvDtype, kvRows);
  const activations = activationBytes(input);
  // Other ranks map them too, but touch no page of them.
  const wideBytes = isLast && input.allowsAllCoreDecode && newTokens > ALL_CORE_IDLE_TOKENS ? weightBytes : 0;
  const totalBytes = weightBytes + kvBytes + activations + wideBytes + BASE_BYTES;
  return { weightBytes, kvBytes, activationBytes: activations, wideBytes, baseBytes: BASE_BYTES, totalBytes };
}

/** Node, the kernel runtime, two threads' heaps and what the C library's heap keeps in reserve (measured, Linux x64). */
const BASE_BYTES = 185e6;

/** Of every worker alike: any of them may be the last one. The embedding is read row by row and not counted. */
function residentWeightBytes(shape: ModelShape, dtype: Dtype): number {
  const bytes = blocksBytes(shape, dtype) + tailBytes(shape, dtype) + headBytes(shape, dtype);
  return dtype === 'q8' || dtype === 'q4' ? bytes * BOTH_FORMS : bytes;
}

/**
 * Files of weights in blocks hold them packed and as they were, and some pages of the latter are touched as a graph is opened
 * (TinyLlama's shape, 8 layers: q8 76 to 91 MB and q4 49 to 62 MB resident beyond a prediction without them, measured; the factor
 * is worked out from that).
 */
const BOTH_FORMS = 1.2;

/** A chunk's own, while it goes through a block, what every chunk of the slice keeps from block to block, and garbage. */
function activationBytes(input: WorkerMemoryInput): number {
  const { shape, kvDtype, slice, chunkTokens } = input;
  const { layers, hidden, heads, kvHeads, headDim } = shape;
  const tokens = sliceTokens(slice);
  const rows = Math.min(chunkTokens, tokens);
  // Beside a rounded cache a chunk's own keys and values are not kept, or as rounded where the cache takes them late.
  const roundedKvHeads = hasWindows(shape) ? (kvHeads * kvHeadBytes(shape, kvDtype)) / (4 * headDim) : 0;
  const keptKvHeads = kvDtype === 'f32' ? kvHeads : roundedKvHeads;
  const keptFloatsPerRow = 2 * hidden + (heads + 2 * keptKvHeads) * headDim;
  // The slice's attention concatenates past and present inside, or widens those of one head.
  const scratch = 2 * (kvDtype === 'f32' ? kvHeads : 1) * headDim * slice.end;
  const madeFloats = layers * tokens * (hidden + 2 * (heads + kvHeads) * headDim);
  const keptFloats = promptsBegun(input) * tokens * keptFloatsPerRow;
  const liveFloats = rows * activationFloatsPerRow(shape) + keptFloats + scratch;
  return 4 * liveFloats + Math.min(GARBAGE_BYTES, 4 * madeFloats);
}

/** One prompt computes at a time; in a chain others are begun meanwhile, and wait for rows or a link. */
function promptsBegun({ slice, isLast, running = 1 }: WorkerMemoryInput): number {
  const isAlone = isLast && slice.start === 0;
  return isAlone ? 1 : Math.min(running, MAX_STARTED + MAX_GUESTS);
}

/** V8 collects unused buffers after about so many bytes were allocated since the last collection. */
const GARBAGE_BYTES = 64 * 2 ** 20;
