/**
 * Checks control frames against the schema of their message.
 */
import type { z } from 'zod';
import { firstLine, KvrError } from '../../core/errors.js';
import type { ControlFrame } from '../../link/frame.js';

/** @throws PROTOCOL naming the field that is wrong. */
export function parseMessage<T>(schema: z.ZodType<T>, frame: ControlFrame): T {
  const parsed = schema.safeParse(frame.message);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new KvrError(
    'PROTOCOL',
    `message field ${issue?.path.join('.') || '(all)'}: ${firstLine(issue?.message ?? 'invalid')}`,
  );
}
