/**
 * A worker's cost as it is kept on disk: JSON with a version and a key, parsed here once. Pure; does no I/O.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { SCALE_BOUNDS } from './calibration.js';
import type { WorkerCost } from './cost-model.js';

/** What goes into the file. */
export type StoredCost = {
  readonly version: 2;
  /** Model, dtype, threads and machine: a cost of another key means nothing. */
  readonly key: string;
  readonly cost: WorkerCost;
};

/** More points than a calibration measures. */
const MAX_POINTS = 1000;

const scale = z.number().min(SCALE_BOUNDS.least).max(SCALE_BOUNDS.most);
const ms = z.number().min(0).max(1e9);
const costSchema = z.object({
  block: z
    .array(z.object({ tokens: z.number().min(1).max(1e9), ms }))
    .min(1)
    .max(MAX_POINTS)
    .refine((points) =>
      points.every((point, index) => index === 0 || point.tokens > (points[index - 1]?.tokens ?? 0)),
    ),
  firstBlockShare: z.number().min(0).max(1),
  attention: z.object({ fixedMs: ms, tokenMs: ms, prefixTokenMs: ms, pairMs: ms }),
  callMs: ms,
  embedTokenMs: ms,
  headMs: ms,
  chunkTokens: z.number().int().min(1).max(1e9),
  scale,
  attentionScale: scale,
});
const storedSchema = z.object({ version: z.literal(2), key: z.string().min(1).max(1000), cost: costSchema });

export function storedCost(key: string, cost: WorkerCost): StoredCost {
  return { version: 2, key, cost };
}

/** Parsed JSON of unknown origin. @throws BAD_INPUT where it is no stored cost, or one for another key */
export function parseStoredCost(json: unknown, key: string): WorkerCost {
  const parsed = storedSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue === undefined || issue.path.length === 0 ? 'its top' : issue.path.join('.');
    throw new KvrError('BAD_INPUT', `the stored calibration is broken at ${place}; calibrate again`);
  }
  if (parsed.data.key === key) return parsed.data.cost;
  throw new KvrError(
    'BAD_INPUT',
    `the stored calibration is for "${parsed.data.key}", not for "${key}"; calibrate again`,
  );
}
