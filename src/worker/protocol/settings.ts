/**
 * What a worker process is started with: one JSON document, its only argument.
 */
import { z } from 'zod';
import { firstLine, KvrError } from '../../core/errors.js';
import { linkSecuritySchema } from '../../link/security/link-security.js';
import { workerNameSchema } from './joining.js';

export const workerSettingsSchema = z.object({
  worker: z.string().min(1).max(128),
  /** Nowhere where it is not given: then it must join. */
  listen: z.string().optional(),
  /** The engine that it dials. */
  join: z
    .strictObject({
      address: z.string(),
      /** What it asks to be called. */
      name: workerNameSchema,
    })
    .optional(),
  /** How long it goes on with what it has when it is told to end, having told its engines; not at all where it is not given. */
  drainMs: z.number().min(0).optional(),
  compiledFolder: z.string(),
  threads: z.number().int().min(1).max(1024),
  /** Of a decode step while the engine says that no other worker of this machine is busy. */
  decodeThreads: z.number().int().min(1).max(1024),
  chunkTokens: z.number().int().min(1),
  kvBytesLimit: z.number().min(0),
  /** The part of it that caches of ended requests may take, for later prompts that begin alike. */
  prefixCacheBytes: z.number().min(0),
  /** Where they are kept on disk as well, and how many bytes the folder may take. */
  prefixDisk: z.object({ folder: z.string().min(1), bytes: z.number().min(1) }).optional(),
  /** End when standard input ends: the parent holds its other end, and the system closes it however the parent dies. */
  followsStdin: z.boolean(),
  /** Of links over a network, those it opens included; without it they are plain. */
  security: linkSecuritySchema.optional(),
});
export type WorkerSettings = z.infer<typeof workerSettingsSchema>;

/** @throws BAD_INPUT in one line that names the field */
export function parseWorkerSettings(text: string | undefined): WorkerSettings {
  if (text === undefined) throw notValid('there are none');
  const parsed = workerSettingsSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw notValid(`${field === '' ? '' : `${field}: `}${issue?.message ?? 'wrong form'}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notValid(`no JSON: ${error instanceof Error ? firstLine(error.message) : String(error)}`);
  }
}

function notValid(reason: string): KvrError {
  return new KvrError('BAD_INPUT', `worker settings are not valid (${reason}); workers are started by kvr`);
}
