/**
 * What a worker says of itself in a room, again and again: who it is, where it listens and what it runs. No prompt, no token, no key.
 * Whoever may write to the room can write anything, so a card says no more than whom to dial: what counts is proved over the link.
 */
import { z } from 'zod';
import { machineSchema } from '../../core/machine.js';
import { DTYPES } from '../../core/shape.js';
import { type Address, parseAddress } from '../../link/address.js';
import { workerNameSchema } from '../../worker/protocol/index.js';

/** A card is some hundred bytes. */
export const MAX_CARD_BYTES = 4 << 10;
/** Between two cards of a worker. */
export const CARD_MS = 1_000;
/** One that was not heard for so long is not there any more: a few of its cards may be lost. */
export const LEASE_MS = 5_000;

export const workerCardSchema = z.object({
  /** Tells the process from all others; a new one after every start. */
  process: z.uuid(),
  name: workerNameSchema,
  /** 'leaving': it finishes what it does, and takes nothing new. */
  state: z.enum(['working', 'leaving']),
  /** HOST:PORT, where engines and other workers dial it. */
  address: z.string().max(300).refine(isDialled, 'is not HOST:PORT'),
  model: z.object({
    name: z.string().max(200),
    /** Of the checkpoint. */
    digest: z.string().regex(/^[0-9a-f]{1,128}$/),
    dtype: z.enum(DTYPES),
    chunkTokens: z.number().int().min(1).max(65_536),
  }),
  threads: z.number().int().min(1).max(1024),
  machine: machineSchema.optional(),
});
export type WorkerCard = z.infer<typeof workerCardSchema>;

/** @returns undefined for what is no card */
export function readCard(bytes: Uint8Array): WorkerCard | undefined {
  if (bytes.byteLength > MAX_CARD_BYTES) return undefined;
  try {
    return workerCardSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined; // no JSON: somebody else's message
  }
}

/** Of a card that was read. */
export function cardAddress({ address }: WorkerCard): Extract<Address, { kind: 'tcp' }> {
  return parseAddress(address) as Extract<Address, { kind: 'tcp' }>;
}

function isDialled(text: string): boolean {
  try {
    const address = parseAddress(text);
    return address.kind === 'tcp' && address.port > 0;
  } catch {
    return false;
  }
}
