/**
 * Walks over the head of a GGUF file without making anything of it: counts, lengths and types are checked against their
 * limits, so that a library may parse it afterwards. Pure. Called by read-head.
 *
 * The head is "GGUF", u32 version, u64 tensors, u64 keys; each key a string, u32 type, value; each tensor a string,
 * u32 dimensions, u64 sizes, u32 kind, u64 offset. A string is u64 length, then that many bytes of UTF-8.
 */
import { MAX_TENSORS } from '../../checkpoint/safetensors.js';
import { broken, notSupported, quoted } from './broken.js';
import * as limits from './header-limits.js';

const MAGIC = 0x46554747;
const VERSIONS = [2, 3];
const STRING = 8;
const ARRAY = 9;
/** Bytes of the types that have a fixed size; holes are strings and arrays. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];

/** A run of bytes of the head. */
export type Span = { readonly start: number; readonly end: number };

export type ScannedHead = {
  readonly bytes: number;
  readonly tensors: number;
  /** The text of each key's value that was written last, where the value is a string or an array of strings. */
  readonly lastTexts: ReadonlyMap<string, Span>;
};

/** Thrown where the head goes on behind the bytes that are there. */
export class HeadGoesOn extends Error {}

/** @throws HeadGoesOn, BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function scanHead(bytes: Uint8Array, path: string): ScannedHead {
  return new HeadScan(bytes, path).run();
}

class HeadScan {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #path: string;
  readonly #lastTexts = new Map<string, Span>();
  #at = 0;
  #elements = 0;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#path = path;
  }

  run(): ScannedHead {
    this.#start();
    const tensors = this.#count('tensors', MAX_TENSORS);
    const keys = this.#count('metadata keys', limits.MAX_KEYS);
    const names = new Set<string>();
    for (let i = 0; i < keys; i++) this.#key(names);
    names.clear();
    for (let i = 0; i < tensors; i++) this.#tensor(names);
    return { bytes: this.#at, tensors, lastTexts: this.#lastTexts };
  }

  #start(): void {
    if (this.#u32() !== MAGIC) throw broken(this.#path, 'it does not begin with "GGUF"');
    const version = this.#u32();
    if (VERSIONS.includes(version)) return;
    const what = version > 0xffff ? 'a big-endian file' : `GGUF version ${version}`;
    throw notSupported(this.#path, what, 'little-endian, version 2 and 3');
  }

  #key(names: Set<string>): void {
    const name = this.#name('metadata key', limits.MAX_KEY_BYTES, names);
    // Keys become properties of an object.
    if (!/^[A-Za-z0-9]/.test(name))
      throw broken(this.#path, `metadata key ${quoted(name)} does not begin with a letter or digit`);
    const type = this.#u32();
    const last = type === ARRAY ? this.#array(name) : this.#value(name, type);
    if (last) this.#lastTexts.set(name, last);
  }

  #value(name: string, type: number): Span | undefined {
    if (type === STRING) return this.#string(quoted(name), limits.MAX_STRING_BYTES);
    const size = VALUE_BYTES[type];
    if (size === undefined)
      throw broken(this.#path, `metadata ${quoted(name)} is of type ${type}, the last known is 12`);
    this.#skip(size);
    return undefined;
  }

  #array(name: string): Span | undefined {
    const type = this.#u32();
    const length = this.#count(`elements in ${quoted(name)}`, limits.MAX_ARRAY_LENGTH);
    this.#elements += length;
    if (this.#elements > limits.MAX_ARRAY_ELEMENTS) {
      const what = `its arrays have ${this.#elements} elements up to ${quoted(name)}, the most is ${limits.MAX_ARRAY_ELEMENTS}`;
      throw broken(this.#path, what);
    }
    if (type === ARRAY) throw broken(this.#path, `metadata ${quoted(name)} is an array of arrays`);
    const size = VALUE_BYTES[type];
    if (size !== undefined) this.#skip(length * size);
    else for (let i = 1; i < length; i++) this.#value(name, type);
    return size === undefined && length > 0 ? this.#value(name, type) : undefined;
  }

  #tensor(names: Set<string>): void {
    const name = this.#name('tensor', limits.MAX_TENSOR_NAME_BYTES, names);
    const dimensions = this.#u32();
    if (dimensions < 1 || dimensions > limits.MAX_DIMENSIONS) {
      const what = `tensor ${quoted(name)} has ${dimensions} dimensions, it must have 1 to ${limits.MAX_DIMENSIONS}`;
      throw broken(this.#path, what);
    }
    this.#skip(8 * dimensions + 4 + 8);
  }

  #name(what: string, mostBytes: number, names: Set<string>): string {
    const { start, end } = this.#string(`a ${what}'s name`, mostBytes);
    const name = new TextDecoder().decode(this.#bytes.subarray(start, end));
    if (names.has(name)) throw broken(this.#path, `there are two ${what}s ${quoted(name)}`);
    names.add(name);
    return name;
  }

  #string(what: string, mostBytes: number): Span {
    const length = this.#u64();
    if (length > mostBytes) throw broken(this.#path, `${what} has ${length} bytes, the most is ${mostBytes}`);
    const start = this.#at;
    this.#skip(Number(length));
    return { start, end: this.#at };
  }

  #count(what: string, most: number): number {
    const count = this.#u64();
    if (count <= most) return Number(count);
    throw broken(this.#path, `it claims ${count} ${what}, the most is ${most}`);
  }

  #u32(): number {
    this.#skip(4);
    return this.#view.getUint32(this.#at - 4, true);
  }

  #u64(): bigint {
    this.#skip(8);
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  #skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new HeadGoesOn();
    this.#at += count;
  }
}
