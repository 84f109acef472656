/**
 * Writes a GGUF file of random weights at a model's shape: what llama.cpp is given so that both sides multiply matrices
 * of the same sizes. For speed only. Source: the GGUF specification, version 3 (ggml-org/ggml, docs/gguf.md).
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import type { ModelShape } from '../../src/index.js';

/** Element types of weights, as llama.cpp calls them. */
export type GgufType = 'F32' | 'Q8_0' | 'Q4_0';

type TensorFormat = {
  readonly id: number;
  /** Weights of one block and the bytes they take. */
  readonly weights: number;
  readonly bytes: number;
  /** Little-endian f16 in front of every block, that gives weights a deviation of about 0.02. */
  readonly scaleBits?: number;
};

const FORMATS: Readonly<Record<GgufType, TensorFormat>> = {
  F32: { id: 0, weights: 1, bytes: 4 },
  // Uniform codes deviate by 74 (8 bits) and 4.6 (4 bits); 0x0c00 is 2^-12 and 0x1c00 is 2^-8.
  Q8_0: { id: 8, weights: 32, bytes: 34, scaleBits: 0x0c00 },
  Q4_0: { id: 2, weights: 32, bytes: 18, scaleBits: 0x1c00 },
};

const VERSION = 3;
const ALIGNMENT_BYTES = 32;
/** Special and byte tokens that a SentencePiece vocabulary begins with. */
const LEAST_VOCABULARY = 259;

/** What a file calls families that we call so. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['llama', 'llama'],
  ['mistral', 'llama'],
  ['qwen3', 'qwen3'],
  ['gemma3', 'gemma3'],
]);

/** Norms of a layer, as wide as the residual stream; and whether queries and keys have one a head. */
const NORMS: Readonly<Record<string, readonly string[]>> = {
  llama: ['attn_norm', 'ffn_norm'],
  qwen3: ['attn_norm', 'ffn_norm'],
  gemma3: ['attn_norm', 'post_attention_norm', 'ffn_norm', 'post_ffw_norm'],
};

function architectureOf({ architecture }: ModelShape): string {
  return ARCHITECTURES.get(architecture) ?? architecture;
}

type Tensor = { readonly name: string; readonly dims: readonly number[]; readonly type: GgufType };

/** Writes `path`, whole or not at all. @throws Error for a shape that llama.cpp has no llama graph for */
export async function writeGguf(path: string, shape: ModelShape, type: GgufType): Promise<void> {
  if (!ARCHITECTURES.has(shape.architecture) || shape.vocabulary < LEAST_VOCABULARY) {
    const known = [...ARCHITECTURES.keys()].join(', ');
    throw new Error(
      `no GGUF for ${shape.architecture} with ${shape.vocabulary} tokens; give one of ${known} with at least ${LEAST_VOCABULARY}`,
    );
  }
  const tensors = tensorsOf(shape, type);
  const temporary = `${path}.${process.pid}`;
  const file = await open(temporary, 'w');
  try {
    const header = headerOf(shape, tensors);
    await file.write(header);
    let at = header.length;
    for (const tensor of tensors) at = await writeTensor(file, tensor, at);
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Dimensions are innermost first. */
function tensorsOf(shape: ModelShape, type: GgufType): Tensor[] {
  const { hidden, heads, kvHeads, headDim, feedForward, vocabulary, layers } = shape;
  const vector = (name: string): Tensor => ({ name: `${name}.weight`, dims: [hidden], type: 'F32' });
  const matrix = (name: string, columns: number, rows: number): Tensor => ({
    name: `${name}.weight`,
    dims: [columns, rows],
    type,
  });
  const hasHeadNorms = shape.specs.some(({ attention }) => attention.queryKeyNorm === 'head');
  const headVector = (name: string): Tensor => ({ name: `${name}.weight`, dims: [headDim], type: 'F32' });
  const layer = (index: number): Tensor[] => [
    ...(NORMS[architectureOf(shape)] ?? []).map((name) => vector(`blk.${index}.${name}`)),
    ...(hasHeadNorms ? ['attn_q_norm', 'attn_k_norm'].map((name) => headVector(`blk.${index}.${name}`)) : []),
    matrix(`blk.${index}.attn_q`, hidden, heads * headDim),
    matrix(`blk.${index}.attn_k`, hidden, kvHeads * headDim),
    matrix(`blk.${index}.attn_v`, hidden, kvHeads * headDim),
    matrix(`blk.${index}.attn_output`, heads * headDim, hidden),
    matrix(`blk.${index}.ffn_gate`, hidden, feedForward),
    matrix(`blk.${index}.ffn_up`, hidden, feedForward),
    matrix(`blk.${index}.ffn_down`, feedForward, hidden),
  ];
  return [
    matrix('token_embd', hidden, vocabulary),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    vector('output_norm'),
    ...(shape.tiedHead ? [] : [matrix('output', hidden, vocabulary)]),
  ];
}

function bytesOf({ dims, type }: Tensor): number {
  const { weights, bytes } = FORMATS[type];
  return (dims.reduce((product, size) => product * size, 1) / weights) * bytes;
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;

type Value =
  | { readonly kind: 'u32' | 'f32'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'f32s' | 'i32s'; readonly value: readonly number[] };

/** Type numbers of the specification. */
const KINDS = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 } as const;

function headerOf(shape: ModelShape, tensors: readonly Tensor[]): Buffer {
  const writer = new Writer();
  const metadata = metadataOf(shape);
  writer.text('GGUF');
  writer.u32(VERSION);
  writer.u64(tensors.length);
  writer.u64(metadata.length);
  for (const [key, value] of metadata) writer.entry(key, value);
  let offset = 0;
  for (const tensor of tensors) {
    writer.string(tensor.name);
    writer.u32(tensor.dims.length);
    for (const size of tensor.dims) writer.u64(size);
    writer.u32(FORMATS[tensor.type].id);
    writer.u64(offset);
    offset += aligned(bytesOf(tensor));
  }
  return writer.padded(ALIGNMENT_BYTES);
}

function metadataOf(shape: ModelShape): [key: string, value: Value][] {
  const u32 = (value: number): Value => ({ kind: 'u32', value });
  const prefix = architectureOf(shape);
  const rotary = shape.specs.at(-1)?.attention.rotary;
  const windowTokens = shape.specs[0]?.attention.windowTokens;
  const tokens = Array.from({ length: shape.vocabulary }, (_, id) => tokenText(id));
  return [
    ['general.architecture', { kind: 'string', value: prefix }],
    ['general.name', { kind: 'string', value: 'random weights' }],
    [`${prefix}.context_length`, u32(shape.contextTokens)],
    [`${prefix}.embedding_length`, u32(shape.hidden)],
    [`${prefix}.block_count`, u32(shape.layers)],
    [`${prefix}.feed_forward_length`, u32(shape.feedForward)],
    [`${prefix}.attention.head_count`, u32(shape.heads)],
    [`${prefix}.attention.head_count_kv`, u32(shape.kvHeads)],
    [`${prefix}.attention.layer_norm_rms_epsilon`, { kind: 'f32', value: shape.normEpsilon }],
    [`${prefix}.rope.dimension_count`, u32(shape.headDim)],
    [`${prefix}.attention.key_length`, u32(shape.headDim)],
    [`${prefix}.attention.value_length`, u32(shape.headDim)],
    ...(windowTokens === undefined
      ? []
      : [[`${prefix}.attention.sliding_window`, u32(windowTokens)] satisfies [string, Value]]),
    [`${prefix}.rope.freq_base`, { kind: 'f32', value: rotary?.theta ?? 10_000 }],
    [`${prefix}.vocab_size`, u32(shape.vocabulary)],
    ['tokenizer.ggml.model', { kind: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { kind: 'strings', value: tokens }],
    ['tokenizer.ggml.scores', { kind: 'f32s', value: tokens.map((_, id) => -id) }],
    ['tokenizer.ggml.token_type', { kind: 'i32s', value: tokens.map((_, id) => tokenKind(id)) }],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
  ];
}

/** A vocabulary of special tokens, the 256 bytes, and words that mean nothing. */
function tokenText(id: number): string {
  if (id < 3) return ['<unk>', '<s>', '</s>'][id] as string;
  if (id < LEAST_VOCABULARY) return `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>`;
  return `\u2581w${id}`;
}

/** 1 normal, 2 unknown, 3 control, 6 byte. */
function tokenKind(id: number): number {
  if (id === 0) return 2;
  if (id < 3) return 3;
  return id < LEAST_VOCABULARY ? 6 : 1;
}

class Writer {
  readonly #parts: Buffer[] = [];

  text(value: string): void {
    this.#parts.push(Buffer.from(value));
  }

  u32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#parts.push(bytes);
  }

  u64(value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
  }

  string(value: string): void {
    this.u64(Buffer.byteLength(value));
    this.text(value);
  }

  entry(key: string, entry: Value): void {
    this.string(key);
    switch (entry.kind) {
      case 'u32':
        this.u32(KINDS.u32);
        return this.u32(entry.value);
      case 'f32':
        this.u32(KINDS.f32);
        return this.raw(Float32Array.of(entry.value));
      case 'string':
        this.u32(KINDS.string);
        return this.string(entry.value);
      case 'strings':
        this.array(KINDS.string, entry.value.length);
        for (const value of entry.value) this.string(value);
        return;
      case 'f32s':
        this.array(KINDS.f32, entry.value.length);
        return this.raw(Float32Array.from(entry.value));
      case 'i32s':
        this.array(KINDS.i32, entry.value.length);
        return this.raw(Int32Array.from(entry.value));
    }
  }

  array(kind: number, length: number): void {
    this.u32(KINDS.array);
    this.u32(kind);
    this.u64(length);
  }

  raw(values: Float32Array | Int32Array): void {
    this.#parts.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }

  padded(alignment: number): Buffer {
    const whole = Buffer.concat(this.#parts);
    const length = Math.ceil(whole.length / alignment) * alignment;
    return Buffer.concat([whole, Buffer.alloc(length - whole.length)]);
  }
}

/** Random content that tensors are filled with, round and round; divides by every block's size. */
const PATTERN_BLOCKS = 1 << 15;

/** @returns where the next tensor begins */
async function writeTensor(file: FileHandle, tensor: Tensor, at: number): Promise<number> {
  const bytes = bytesOf(tensor);
  const pattern = patternOf(tensor);
  for (let done = 0; done < bytes; done += pattern.length) {
    await file.write(pattern, 0, Math.min(pattern.length, bytes - done), at + done);
  }
  return at + aligned(bytes);
}

function patternOf({ dims, type }: Tensor): Buffer {
  // Norms have one dimension and are ones.
  if (dims.length === 1) return Buffer.from(new Float32Array(dims[0] as number).fill(1).buffer);
  const { bytes, scaleBits } = FORMATS[type];
  if (scaleBits === undefined) {
    const values = Float32Array.from({ length: PATTERN_BLOCKS }, () => (Math.random() - 0.5) * 0.07);
    return Buffer.from(values.buffer);
  }
  const pattern = Buffer.alloc(PATTERN_BLOCKS * bytes);
  for (let i = 0; i < pattern.length; i++) pattern[i] = Math.random() * 256;
  for (let i = 0; i < pattern.length; i += bytes) pattern.writeUInt16LE(scaleBits, i);
  return pattern;
}
