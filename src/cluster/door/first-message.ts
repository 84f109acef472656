/**
 * What callers of an engine may want: to join as a worker, or to fetch the model.
 */
import { z } from 'zod';
import { joinSchema } from '../../worker/protocol/index.js';
import { fetchSchema } from '../transfer/messages.js';

export const firstMessageSchema = z.discriminatedUnion('type', [joinSchema, fetchSchema]);
export type FirstMessage = z.infer<typeof firstMessageSchema>;
