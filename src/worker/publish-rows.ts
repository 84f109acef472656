/**
 * Cuts a chunk's keys and values into frames and hands them to the network thread: small enough that a relay can
 * pass the first on while the last is still being cut.
 */
import { KV_FRAME_BYTES } from '../link/frame.js';
import type { ActiveRequest } from './active-request.js';
import type { Desk } from './desk.js';

/** @param keys [rows, rowFloats] f32; the caller keeps both buffers. */
export function publishRows(
  desk: Desk,
  { job }: ActiveRequest,
  rowFloats: number,
  layer: number,
  start: number,
  keys: Float32Array,
  values: Float32Array,
): void {
  const rows = keys.length / rowFloats;
  const rowsPerFrame = Math.max(1, Math.floor(KV_FRAME_BYTES / (8 * rowFloats)));
  for (let row = 0; row < rows; row += rowsPerFrame) {
    const end = Math.min(rows, row + rowsPerFrame);
    const payload = packRows(keys, values, row * rowFloats, end * rowFloats);
    desk.publish({ request: job.request, layer, start: start + row, rows: end - row, payload });
  }
}

/** Floats [from, to) of the keys, then of the values, in one buffer that can change threads. */
export function packRows(
  keys: Float32Array,
  values: Float32Array,
  from: number,
  to: number,
): Uint8Array<ArrayBuffer> {
  const packed = new Float32Array(2 * (to - from));
  packed.set(keys.subarray(from, to));
  packed.set(values.subarray(from, to), to - from);
  return new Uint8Array(packed.buffer);
}
