/**
 * Fields that many messages have, each with its bound.
 */
import { z } from 'zod';

export const index = z.number().int().min(0).max(0xffff_ffff);
export const request = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const workerId = z.string().min(1).max(128);
export const milliseconds = z.number().min(0);

/** What a worker, or one rank of a request, is doing. */
export const phase = z.enum(['load', 'connect', 'prefill', 'decode']);
export type Phase = z.infer<typeof phase>;
