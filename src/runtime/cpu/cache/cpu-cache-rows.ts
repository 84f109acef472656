/**
 * Keys and values of one layer in a cache's element type, as plain arrays, and as the bytes that travel between workers.
 */
import { KvrError } from '../../../core/errors.js';
import { type KvDtype, kvRowBytes, type ModelShape } from '../../../core/shape.js';
import type { CacheRows } from '../../backend/rows.js';
import type { Elements } from '../../sessions/kernels.js';
import { arrayKind, kvDtypeOf } from './element-arrays.js';

/** Keys and values [rows, kvHeads·D]; of q8 as q8-rows.ts has them. */
export type KeysAndValues = { readonly keys: Elements; readonly values: Elements };

export class CpuCacheRows implements CacheRows {
  readonly kind = 'cache';
  readonly count: number;
  readonly kvDtype: KvDtype;
  readonly rowBytes: number;
  readonly keys: Elements;
  readonly values: Elements;

  /** Over the same arrays. */
  constructor({ keys, values }: KeysAndValues, shape: Pick<ModelShape, 'kvHeads' | 'headDim'>) {
    this.kvDtype = kvDtypeOf(keys);
    this.rowBytes = kvRowBytes(shape, this.kvDtype);
    this.count = (2 * keys.byteLength) / this.rowBytes;
    this.keys = keys;
    this.values = values;
  }

  async pack(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const width = this.keys.length / this.count;
    const keys = bytesOf(this.keys.subarray(from * width, to * width));
    const packed = new Uint8Array(2 * keys.byteLength);
    packed.set(keys);
    packed.set(bytesOf(this.values.subarray(from * width, to * width)), keys.byteLength);
    return packed;
  }

  /** The arrays go when nobody refers to them any more. */
  release(): void {}
}

/** @throws INTERNAL for rows of another backend */
export function cpuCacheRows(rows: CacheRows): CpuCacheRows {
  if (rows instanceof CpuCacheRows) return rows;
  throw new KvrError('INTERNAL', 'keys and values of another backend');
}

/** The keys and values in a payload, over the same bytes. */
export function unpack(
  { buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>,
  kvDtype: KvDtype,
): KeysAndValues {
  const Kind = arrayKind(kvDtype);
  const all = new Kind(buffer, byteOffset, byteLength / Kind.BYTES_PER_ELEMENT);
  return { keys: all.subarray(0, all.length / 2), values: all.subarray(all.length / 2) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Elements): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
