/**
 * Messages between peers after the handshake, beside rows.
 */
import { z } from 'zod';
import { index } from './fields.js';

/** Echoes measure a link; pings only say that the worker is there. */
export const peerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('echo'), echo: index, wantsAnswer: z.boolean() }),
  z.object({ type: z.literal('echoed'), echo: index }),
]);
export type PeerMessage = z.infer<typeof peerSchema>;
