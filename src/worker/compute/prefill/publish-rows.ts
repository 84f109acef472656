/**
 * Cuts a chunk's keys and values into frames and hands them to the network thread: small enough that a relay can
 * pass the first on while the last is still being cut.
 */
import { KV_FRAME_BYTES } from '../../../link/frame.js';
import type { LayerRows } from '../../../runtime/cpu/cache/kv-cache.js';
import type { Outbox } from '../../threads/outbox.js';
import { packRows } from '../../threads/row-payload.js';
import type { ActiveRequest } from '../requests/active-request.js';

/** @param rows [rows, rowElements] in the request's element type; the caller keeps both buffers. */
export function publishRows(
  outbox: Outbox,
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
    outbox.publish({ request: job.request, layer, start: start + row, rows: end - row, payload });
  }
}
