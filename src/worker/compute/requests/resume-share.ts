/**
 * What a request keeps apart of its rows while it runs, so that later prompts can go on from it: part of the prefix cache. Pure.
 */
import { keepsWindows, kvRows, kvStart } from '../../../core/kv-rows.js';
import { contextTokensOf } from '../../../core/partition.js';
import { resumeBytes, resumePoints } from '../../../core/resume-points.js';
import { canReuseRows, type ModelShape } from '../../../core/shape.js';
import type { Job } from '../../threads/thread-messages.js';

/** Positions at which a request keeps rows apart for later prompts, and the bytes of those. */
export type ResumeShare = { readonly points: readonly number[]; readonly bytes: number };
export const NO_SHARE: ResumeShare = { points: [], bytes: 0 };

/** What a request would keep apart: only the last rank's rows outlive it. */
export function resumeShare(job: Job, shape: ModelShape): ResumeShare {
  const { spec, partition, rank, chain } = job;
  const contextTokens = contextTokensOf(partition);
  const isKept = spec.prefixCache && rank === chain.length - 1 && canReuseRows(shape, contextTokens);
  if (!isKept || !keepsWindows(job)) return NO_SHARE;
  const [start, capacity] = [kvStart(job), kvRows(job)];
  const points = resumePoints(shape, { start, end: contextTokens }, capacity);
  return { points, bytes: resumeBytes(shape, spec.kvDtype, { start, end: capacity }, points) };
}
