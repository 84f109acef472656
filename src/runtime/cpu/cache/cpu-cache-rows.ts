/**
 * Keys and values of one layer in a cache's element type, as plain arrays, and as the bytes that travel between workers.
 */
import { KvrError } from '../../../core/errors.js';
import type { KvDtype } from '../../../core/shape.js';
import type { CacheRows } from '../../backend/rows.js';
import type { Elements } from '../../sessions/kernels.js';

/** Keys and values [rows, kvHeads·D]. */
export type KeysAndValues = { readonly keys: Elements; readonly values: Elements };

export class CpuCacheRows implements CacheRows {
  readonly kind = 'cache';
  readonly count: number;
  readonly kvDtype: KvDtype;
  readonly rowBytes: number;
  readonly keys: Elements;
  readonly values: Elements;

  /** Over the same arrays. @param width kvHeads·D */
  constructor({ keys, values }: KeysAndValues, width: number) {
    this.count = keys.length / width;
    this.kvDtype = keys instanceof Uint16Array ? 'f16' : 'f32';
    this.rowBytes = 2 * width * keys.BYTES_PER_ELEMENT;
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
export function unpack({ buffer, byteOffset, byteLength }: Uint8Array, kvDtype: KvDtype): KeysAndValues {
  const all =
    kvDtype === 'f16'
      ? new Uint16Array(buffer, byteOffset, byteLength / 2)
      : new Float32Array(buffer, byteOffset, byteLength / 4);
  return { keys: all.subarray(0, all.length / 2), values: all.subarray(all.length / 2) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Elements): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
