/**
 * Cuts a chunk's keys and values into frames and hands them to the network thread: small enough that a relay can
 * pass the first on while the last is still being cut.
 */
import { KV_FRAME_BYTES } from '../../../link/frame.js';
import type { CacheRows } from '../../../runtime/backend/rows.js';
import type { Outbox } from '../../threads/outbox.js';
import type { ActiveRequest } from '../requests/active-request.js';

/** @param rows of the request's element type; they stay the caller's */
export async function publishRows(
  outbox: Outbox,
  { job }: ActiveRequest,
  layer: number,
  start: number,
  rows: CacheRows,
): Promise<void> {
  const rowsPerFrame = Math.max(1, Math.floor(KV_FRAME_BYTES / rows.rowBytes));
  for (let row = 0; row < rows.count; row += rowsPerFrame) {
    const end = Math.min(rows.count, row + rowsPerFrame);
    const payload = await rows.pack(row, end);
    outbox.publish({ request: job.request, layer, start: start + row, rows: end - row, payload });
  }
}
