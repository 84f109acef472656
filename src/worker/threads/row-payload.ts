/**
 * Keys and values as one buffer that can change threads and processes: keys [rows, kvHeads·D], then values likewise.
 */
import type { KvDtype } from '../../core/shape.js';
import type { LayerRows } from '../../runtime/cpu/cache/kv-cache.js';
import type { Elements } from '../../runtime/sessions/kernels.js';

/** Elements [from, to) of the keys, then of the values. The caller keeps both buffers. */
export function packRows({ keys, values }: LayerRows, from: number, to: number): Uint8Array<ArrayBuffer> {
  const ownKeys = bytesOf(keys.subarray(from, to));
  const packed = new Uint8Array(2 * ownKeys.byteLength);
  packed.set(ownKeys);
  packed.set(bytesOf(values.subarray(from, to)), ownKeys.byteLength);
  return packed;
}

/** The keys and values in a payload, over the same bytes. */
export function unpackRows(payload: Uint8Array<ArrayBuffer>, kvDtype: KvDtype): LayerRows {
  const { buffer, byteOffset, byteLength } = payload;
  const all =
    kvDtype === 'f16'
      ? new Uint16Array(buffer, byteOffset, byteLength / 2)
      : new Float32Array(buffer, byteOffset, byteLength / 4);
  return { keys: all.subarray(0, all.length / 2), values: all.subarray(all.length / 2) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Elements): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
