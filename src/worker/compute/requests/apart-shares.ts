/**
 * What a request may keep apart of the rows that its cache lets go while it runs, so that later prompts can go on from it: part
 * of the prefix cache. Pure.
 */
import { keepsWindows, kvRows, kvStart } from '../../../core/kv-rows.js';
import { contextTokensOf } from '../../../core/partition.js';
import { apartBytes, type KeptApart, resumePoints } from '../../../core/kept-rows/resume-points.js';
import { canReuseRows, type ModelShape } from '../../../core/shape.js';
import type { Job } from '../../threads/thread-messages.js';

export type ApartShare = { readonly apart: KeptApart; readonly bytes: number };
export const NO_SHARE: ApartShare = { apart: [], bytes: 0 };

/**
 * What there may be room for, the most first; nothing where no rows outlive the request or none are let go.
 * @param isStored whether rows go to disk, which is all of them or none
 */
export function apartShares(job: Job, shape: ModelShape, isStored: boolean): ApartShare[] {
  const { spec, partition, rank, chain } = job;
  const contextTokens = contextTokensOf(partition);
  const isKept = spec.prefixCache && rank === chain.length - 1 && canReuseRows(shape, contextTokens);
  if (!isKept || !keepsWindows(job)) return [];
  const [start, capacity] = [kvStart(job), kvRows(job)];
  const points = resumePoints(shape, { start, end: contextTokens }, capacity);
  const share = (apart: KeptApart): ApartShare => ({
    apart,
    bytes: apartBytes(shape, spec.kvDtype, { start, end: capacity }, apart),
  });
  return [...(isStored ? [share('all')] : []), share(points)];
}
