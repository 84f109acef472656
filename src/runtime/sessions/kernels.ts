/**
 * The one door to onnxruntime: sessions, tensors, and the packing of weights for this machine's kernels.
 * `run` holds its thread until the kernels are done, so only a compute thread calls it.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { cpus } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { firstLine, KvrError } from '../../core/errors.js';
import { instructionSets } from './instruction-sets.js';
import { onnxruntime } from './onnxruntime.js';

export type Feeds = Record<string, Tensor>;
/** A name instead of a size is a dimension that changes from run to run. */
export type GraphInput = {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly (number | string)[];
};
/** f16 elements stand as their bits, and int8 ones as bytes. */
export type Elements = Float32Array | Uint16Array | Uint8Array;
export type Outputs = Record<string, Elements>;
export type Session = {
  readonly inputs: readonly GraphInput[];
  run(feeds: Feeds): Promise<Outputs>;
  close(): Promise<void>;
};

export type SessionSource = string | Uint8Array;

const SEQUENTIAL: InferenceSession.SessionOptions = {
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 3,
  // An arena a session would keep every session's largest activations for good, though one runs at a time: measured
  // on 6 blocks of 2048×5632 at 512 rows, 95 MB more and not faster than the C library's heap (see malloc-env.ts).
  enableCpuMemArena: false,
  // Shapes change from run to run; a plan of one shape's memory would only be thrown away.
  enableMemPattern: false,
};

export type SessionOptions = {
  /** Kernel threads, the caller's own included. */
  readonly threads: number;
  /** The graph was optimised and its weights packed when it was compiled; again would only cost start-up time. */
  readonly isPacked?: boolean;
  /** Leave weights as they lie in the file, mapped: right for one row at a time, where packing gains nothing. */
  readonly keepsPlain?: boolean;
};

/** Opens a graph. @throws NO_KERNELS; INTERNAL where the runtime refuses it, with its first line. */
export async function openSession(source: SessionSource, given: SessionOptions): Promise<Session> {
  const { threads, isPacked = false, keepsPlain = false } = given;
  const options: InferenceSession.SessionOptions = {
    ...SEQUENTIAL,
    intraOpNumThreads: threads,
    graphOptimizationLevel: isPacked ? 'disabled' : 'all',
    extra: {
      session: {
        intra_op: { allow_spinning: threads > 1 ? '1' : '0' },
        // Every graph has a pool of its own: one whose threads went on spinning after its call would take the cores
        // from the next graph's.
        force_spinning_stop: '1',
        disable_prepacking: keepsPlain ? '1' : '0',
      },
    },
  };
  const session = await guard('open', () =>
    typeof source === 'string'
      ? onnxruntime().InferenceSession.create(source, options)
      : onnxruntime().InferenceSession.create(source, options),
  );
  return {
    inputs: session.inputMetadata.map(toGraphInput),
    run: (feeds) => guard('run', async () => toArrays(await session.run(feeds))),
    close: () => session.release(),
  };
}

/** f32 tensor over the caller's own buffer; nothing is copied. */
export function floats(data: Float32Array, dims: readonly number[]): Tensor {
  return new (onnxruntime().Tensor)('float32', data, dims);
}

/** f32, f16 or int8 tensor, whichever the elements are; nothing is copied. */
export function elements(data: Elements, dims: readonly number[]): Tensor {
  if (data instanceof Float32Array) return floats(data, dims);
  if (data instanceof Uint16Array) return new (onnxruntime().Tensor)('float16', data, dims);
  const { buffer, byteOffset, byteLength } = data;
  return new (onnxruntime().Tensor)('int8', new Int8Array(buffer, byteOffset, byteLength), dims);
}

export function int32(data: Int32Array, dims: readonly number[]): Tensor {
  return new (onnxruntime().Tensor)('int32', data, dims);
}

export function int64(data: BigInt64Array, dims: readonly number[]): Tensor {
  return new (onnxruntime().Tensor)('int64', data, dims);
}

/** Weights under this size stay inside the graph file. */
const SMALLEST_EXTERNAL_BYTES = 1024;

/** Writes `source` again as `target`, optimised, with its weights in `<target>.bin` and there also as this CPU's kernels want them. */
export async function saveOptimised(source: string, target: string, packsWeights: boolean): Promise<void> {
  const session = await guard('pack', () =>
    onnxruntime().InferenceSession.create(source, {
      ...SEQUENTIAL,
      intraOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      optimizedModelFilePath: target,
      extra: {
        session: {
          optimized_model_external_initializers_file_name: `${basename(target)}.bin`,
          optimized_model_external_initializers_min_size_in_bytes: `${SMALLEST_EXTERNAL_BYTES}`,
          save_external_prepacked_constant_initializers: packsWeights ? '1' : '0',
        },
      },
    }),
  );
  await session.release();
}

/** Names what a packed weight depends on: the runtime's version and the CPU. @throws NO_KERNELS */
export function kernelKey(): string {
  const { versions } = onnxruntime().env;
  const version = versions.node ?? versions.common;
  const cpu = createHash('sha256').update(`${process.arch} ${cpus()[0]?.model ?? ''} ${instructionSets()}`);
  return `ort${version}-${process.platform}-${process.arch}-${cpu.digest('hex').slice(0, 8)}`;
}

function toGraphInput(input: InferenceSession.ValueMetadata): GraphInput {
  if (!input.isTensor) throw new KvrError('INTERNAL', `graph input ${input.name} is no tensor`);
  return { name: input.name, type: input.type, dims: input.shape };
}

async function guard<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof KvrError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new KvrError('INTERNAL', `kernel runtime could not ${what}: ${firstLine(reason)}`, {}, error);
  }
}

/** The named f32 output of a run. @throws INTERNAL */
export function result(outputs: Outputs, name: string): Float32Array {
  const found = outputs[name];
  if (!(found instanceof Float32Array)) throw new KvrError('INTERNAL', `graph has no f32 output ${name}`);
  return found;
}

/** The named f16 output of a run, as bits. @throws INTERNAL */
export function halfResult(outputs: Outputs, name: string): Uint16Array {
  const found = outputs[name];
  if (!(found instanceof Uint16Array)) throw new KvrError('INTERNAL', `graph has no f16 output ${name}`);
  return found;
}

function toArrays(results: InferenceSession.OnnxValueMapType): Outputs {
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, toElements(data)]));
}

function toElements(data: Tensor['data']): Elements {
  if (data instanceof Float32Array || data instanceof Uint16Array) return data;
  // Where Node has an array type for f16, the runtime hands that out.
  const { buffer, byteOffset, length } = data as unknown as Uint16Array;
  return new Uint16Array(buffer, byteOffset, length);
}
