/**
 * The machines of a server's cluster, as GET /kvr/machines, the page and `kvr cluster` tell them.
 */
import * as z from 'zod/mini';
import { bytes, index, milliseconds, text } from '../schema/fields.js';

/** Far more than a cluster has. */
const MAX_MACHINES = 4096;

const machineRecordSchema = z.object({
  /** What the engine calls its worker. */
  name: text,
  /** 'missing' and 'leaving' are found by asking workers; a server tells the others. */
  status: z.enum(['usable', 'opening', 'unlinked', 'preparing', 'missing', 'leaving']),
  /** Why it can not be used. */
  reason: z.optional(text),
  /** HOST:PORT, where others dial it. */
  address: z.optional(text),
  cpu: z.optional(text),
  cores: z.optional(index),
  memoryBytes: z.optional(bytes),
  /** Digest of the checkpoint, and its element type. */
  digest: z.optional(text),
  dtype: z.optional(text),
  threads: z.optional(index),
  /** That keys and values may take. */
  kvBytes: z.optional(bytes),
  /** Of a prompt of 512 tokens that it reads alone, by what was measured of it. */
  tokensPerSecond: z.optional(z.number().check(z.minimum(0))),
  /** The link to the next one that can be used, where it was measured. */
  toNext: z.optional(
    z.object({ name: text, latencyMs: milliseconds, bytesPerS: z.number().check(z.minimum(0)) }),
  ),
  /** When it was lost last, since the server began, and why. */
  lastFault: z.optional(z.object({ atMs: milliseconds, message: text })),
});
export type MachineRecord = Readonly<z.infer<typeof machineRecordSchema>>;

export const machineListSchema = z.object({
  /** In chain order. */
  machines: z.array(machineRecordSchema).check(z.maxLength(MAX_MACHINES)),
});
export type MachineList = { readonly machines: readonly MachineRecord[] };
