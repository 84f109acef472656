/**
 * The memory a worker process has resident while it answers a request, from the model's shape alone: what `kvr inspect`
 * predicts. Pure. Against the system's own count while decoding: within 11 % at f32, q4 and w8a8, 1 to 3 workers, 512 to
 * 4,096 tokens (measured, tinyllama-1.1b of 8 layers and quote).
 */
import { type Slice, sliceTokens } from '../core/partition.js';
import { type Dtype, kvBytesPerToken, type ModelShape } from '../core/shape.js';
import { isPackedOnDisk } from '../model/compiled.js';
import { activationFloatsPerRow } from '../model/onnx/blocks.js';
import { blocksBytes, headBytes, tailBytes } from '../model/onnx/weight-bytes.js';

/** Bytes. Weights are files that all workers of a machine map, so their sum counts those several times. */
export type WorkerMemory = {
  readonly weightBytes: number;
  readonly kvBytes: number;
  readonly activationBytes: number;
  /** The process itself, without a model. */
  readonly baseBytes: number;
  readonly totalBytes: number;
};

export type WorkerMemoryInput = {
  readonly shape: ModelShape;
  readonly dtype: Dtype;
  readonly slice: Slice;
  /** The last rank also decodes: it holds the head and the answer's keys and values. */
  readonly isLast: boolean;
  readonly newTokens: number;
  readonly chunkTokens: number;
};

export function workerMemory(input: WorkerMemoryInput): WorkerMemory {
  const weightBytes = residentWeightBytes(input);
  const { shape, slice, isLast, newTokens } = input;
  const kvBytes = (slice.end + (isLast ? newTokens : 0)) * kvBytesPerToken(shape);
  const activationBytes = 4 * activationFloats(input);
  const totalBytes = weightBytes + kvBytes + activationBytes + BASE_BYTES;
  return { weightBytes, kvBytes, activationBytes, baseBytes: BASE_BYTES, totalBytes };
}

/** Node, the kernel runtime, two threads' heaps and the room the C library's heap keeps in hand (measured, Linux x64). */
const BASE_BYTES = 185e6;

/**
 * What is mapped becomes resident when it is used; what is packed at start is resident from then on. So a rank before
 * the last is spared tail and head only where those are mapped. The embedding is read row by row and not counted.
 */
function residentWeightBytes(input: WorkerMemoryInput): number {
  const { shape, dtype, isLast } = input;
  const tail = isLast || !isPackedOnDisk(dtype) ? tailBytes(shape, dtype) : 0;
  const head = isLast || dtype !== 'f32' ? headBytes(shape, dtype) : 0;
  return blocksBytes(shape, dtype) + tail + head;
}

/** A chunk's own, while it goes through a block, and what every chunk of the slice keeps from block to block. */
function activationFloats({ shape, slice, chunkTokens }: WorkerMemoryInput): number {
  const { hidden, heads, kvHeads, headDim } = shape;
  const rows = Math.min(chunkTokens, sliceTokens(slice));
  const keptFloatsPerRow = 2 * hidden + (heads + 2 * kvHeads) * headDim;
  // The slice's attention concatenates past and present inside.
  const scratch = 2 * kvHeads * headDim * slice.end;
  return rows * activationFloatsPerRow(shape) + sliceTokens(slice) * keptFloatsPerRow + scratch;
}
