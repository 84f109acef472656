/**
 * One open safetensors file: its entries, and runs of their elements as f32.
 * Knows no model; called by safetensors.
 */
import type { FileHandle } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';
import { isReadable, READABLE_TYPES, widenUpperHalf } from './element-types.js';
import { printable } from './printable.js';
import { openRegular, readFully } from './regular-file.js';
import { MAX_HEADER_BYTES, parseHeader } from './safetensors-header.js';
import type { TensorEntry } from './safetensors-header.js';

export class SafetensorsFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly #file: FileHandle;
  #closing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, entries: ReadonlyMap<string, TensorEntry>) {
    this.path = path;
    this.#file = file;
    this.entries = entries;
  }

  /** Opens a file and checks its header. @throws BAD_CHECKPOINT */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await openRegular(path);
    try {
      const { size } = await file.stat();
      const header = await readHeader(file, size, path);
      return new SafetensorsFile(path, file, parseHeader(header, size, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Elements [start, end) of a tensor, row-major, as f32; the caller owns them. @throws BAD_CHECKPOINT */
  async read(entry: TensorEntry, start: number, end: number): Promise<Float32Array> {
    const { type } = entry;
    if (!isReadable(type)) throw unreadable(this.path, entry);
    const values = new Float32Array(end - start);
    const bytes = new Uint8Array(values.buffer);
    if (type === 'F32') {
      await this.#fill(bytes, entry.startByte + start * 4);
    } else {
      await this.#fill(bytes.subarray(values.length * 2), entry.startByte + start * 2);
      widenUpperHalf(values, type);
    }
    return values;
  }

  /** Bytes [start, end) of a tensor as they are; the caller owns them. @throws BAD_CHECKPOINT */
  async readBytes(entry: TensorEntry, start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    await this.#fill(bytes, entry.startByte + start);
    return bytes;
  }

  /** Harmless when called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#file.close();
    return this.#closing;
  }

  async #fill(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#closing !== undefined)
      throw new KvrError('CLOSED', `${this.path} was read after its checkpoint was closed`);
    await readFully(this.#file, bytes, position, this.path);
  }
}

/** @throws UNSUPPORTED_MODEL naming the type of a tensor that is not read here */
export function unreadable(path: string, { name, type }: TensorEntry): KvrError {
  const types = READABLE_TYPES.join(', ');
  return new KvrError(
    'UNSUPPORTED_MODEL',
    `${path}: tensor ${name} is of type ${printable(type)}, supported are ${types}; use an unquantised checkpoint`,
  );
}

async function readHeader(file: FileHandle, fileBytes: number, path: string): Promise<Uint8Array> {
  const most = Math.min(MAX_HEADER_BYTES, fileBytes - 8);
  if (most < 0) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} has ${fileBytes} bytes, a safetensors file has at least 8; fetch it again`,
    );
  }
  const length = Buffer.alloc(8);
  await readFully(file, length, 0, path);
  const headerBytes = length.readBigUInt64LE();
  const fits = headerBytes <= BigInt(fileBytes - 8);
  if (fits && headerBytes > BigInt(MAX_HEADER_BYTES)) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path}: the header has ${headerBytes} bytes, the most is ${MAX_HEADER_BYTES}; split the checkpoint into several files`,
    );
  }
  if (headerBytes > BigInt(most)) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path}: the header claims ${headerBytes} bytes, the most is ${most} in a file of ${fileBytes}; it is cut off or no safetensors file, fetch it again`,
    );
  }
  const header = new Uint8Array(Number(headerBytes));
  await readFully(file, header, 8, path);
  return header;
}
