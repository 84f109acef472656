/**
 * Checks options and requests once, where they come in.
 */
import type { z } from 'zod';
import { firstLine, KvrError } from '../../core/errors.js';

/** Parses options or a request. @throws BAD_INPUT naming the option, its value's fault and the bound */
export function parseOptions<T>(schema: z.ZodType<T>, given: unknown, what: string): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join('.') || what;
  throw new KvrError('BAD_INPUT', `${path}: ${firstLine(issue?.message ?? 'is not valid')}`);
}
