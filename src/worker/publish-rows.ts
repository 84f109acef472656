/**
 * Cuts a chunk's keys and values into frames and hands them to the network thread: small enough that a relay can
 * pass the first on while the last is still being cut.
 */
import type { KvDtype } from '../core/shape.js';
import { KV_FRAME_BYTES } from '../link/frame.js';
import type { Elements } from '../runtime/kernels.js';
import type { LayerRows } from '../runtime/kv-cache.js';
import type { ActiveRequest } from './active-request.js';
import type { Desk } from './desk.js';

/** @param rows [rows, rowElements] in the request's element type; the caller keeps both buffers. */
export function publishRows(
  desk: Desk,
  { job }: ActiveRequest,
  rowElements: number,
  layer: number,
  start: number,
  rows: LayerRows,
): void {
  const count = rows.keys.length / rowElements;
  const rowBytes = 2 * rowElements * rows.keys.BYTES_PER_ELEMENT;
  const rowsPerFrame = Math.max(1, Math.floor(KV_FRAME_BYTES / rowBytes));
  for (let row = 0; row < count; row += rowsPerFrame) {
    const end = Math.min(count, row + rowsPerFrame);
    const payload = packRows(rows, row * rowElements, end * rowElements);
    desk.publish({ request: job.request, layer, start: start + row, rows: end - row, payload });
  }
}

/** Elements [from, to) of the keys, then of the values, in one buffer that can change threads. */
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
