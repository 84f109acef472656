/**
 * The first message of a worker that dials an engine. After it the engine speaks as if it had dialled itself: hello, and so on.
 */
import { z } from 'zod';

/** A name as machines have them; the engine adds a number where another worker has it. */
export const workerNameSchema = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);

export const joinSchema = z.strictObject({
  type: z.literal('join'),
  /** What the worker would like to be called. */
  name: workerNameSchema,
  /** Tells this process from all others, where links do not prove it. */
  process: z.uuid(),
  /** Where other workers may dial it. Without a host: at the address that the engine sees it come from. */
  listen: z
    .strictObject({ host: z.string().min(1).max(256).optional(), port: z.number().int().min(1).max(65_535) })
    .optional(),
});
export type JoinMessage = z.infer<typeof joinSchema>;
