/**
 * Rows of a prefix as they arrive: checked, counted, and put into the cache of the request that waits for them.
 */
import { KvrError } from '../../../core/errors.js';
import { kvRowBytes, type ModelShape } from '../../../core/shape.js';
import type { ActiveRequest } from './active-request.js';
import type { KvRows } from '../../threads/thread-messages.js';

/** Puts rows where they belong, and notes that they are there. @throws PROTOCOL where they are not what was to come */
export async function writeRows(rows: KvRows, request: ActiveRequest, shape: ModelShape): Promise<void> {
  checkBytes(rows, request, shape);
  const coverage = request.coverage[rows.layer];
  if (!coverage)
    throw new KvrError('PROTOCOL', `KV frame for layer ${rows.layer} of a model with ${shape.layers} layers`);
  coverage.add(rows.start, rows.start + rows.rows);
  await request.cache.writePacked(rows.layer, rows.start, rows.payload);
}

function checkBytes({ rows, payload }: KvRows, { job }: ActiveRequest, shape: ModelShape): void {
  const expected = rows * kvRowBytes(shape, job.spec.kvDtype);
  if (payload.byteLength === expected) return;
  throw new KvrError(
    'PROTOCOL',
    `KV frame of ${rows} rows has ${payload.byteLength} bytes, expected ${expected}`,
  );
}
