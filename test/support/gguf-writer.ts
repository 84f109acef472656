/**
 * Writes GGUF files, sound or broken, from the format's description: keys, tensors, and where each part lies can be told.
 */
import { writeFileSync } from 'node:fs';

/** A value with its type as the file numbers it, or one whose type is plain: text, truth, f32 or u32. */
export type GgufValue =
  | string
  | boolean
  | number
  | readonly string[]
  | readonly number[]
  | { readonly type: number; readonly bytes: Uint8Array };

export type GgufTensor = {
  readonly name: string;
  /** Outermost first. */
  readonly shape: readonly number[];
  /** 0 is F32. */
  readonly kind?: number;
  readonly data: Uint8Array | Float32Array;
  /** In place of where it lies. */
  readonly offset?: bigint;
  /** In place of its sizes, fastest first. */
  readonly sizes?: readonly bigint[];
};

export type GgufContent = {
  readonly keys: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
};

const ALIGNMENT = 32;

export function ggufBytes({ keys, tensors }: GgufContent): Buffer {
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(Object.keys(keys).length)];
  for (const [key, value] of Object.entries(keys)) head.push(text(key), ...valueParts(value));
  const data: Buffer[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    const bytes = asBytes(tensor.data);
    const sizes = tensor.sizes ?? [...tensor.shape].reverse().map(BigInt);
    head.push(text(tensor.name), u32(sizes.length), ...sizes.map(u64));
    head.push(u32(tensor.kind ?? 0), u64(tensor.offset ?? BigInt(offset)));
    data.push(padded(bytes));
    offset += padded(bytes).length;
  }
  return Buffer.concat([padded(Buffer.concat(head)), ...data]);
}

export function writeGguf(path: string, content: GgufContent): void {
  writeFileSync(path, ggufBytes(content));
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};

function valueParts(value: GgufValue): Buffer[] {
  if (typeof value === 'string') return [u32(8), text(value)];
  if (typeof value === 'boolean') return [u32(7), Buffer.from([value ? 1 : 0])];
  if (typeof value === 'number') return Number.isInteger(value) ? [u32(4), u32(value)] : [u32(6), f32(value)];
  if ('bytes' in value) return [u32(value.type), Buffer.from(value.bytes)];
  const isText = typeof value[0] === 'string';
  const isWhole = !isText && value.every((each) => Number.isInteger(each));
  const type = isText ? 8 : isWhole ? 5 : 6;
  const parts = value.map((each) =>
    typeof each === 'string' ? text(each) : isWhole ? i32(each) : f32(each),
  );
  return [u32(9), u32(type), u64(value.length), ...parts];
}

const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

function asBytes(data: Uint8Array | Float32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
}
