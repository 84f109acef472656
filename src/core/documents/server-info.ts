/**
 * What a server tells of itself: the answer to GET /kvr/info.
 */
import * as z from 'zod/mini';
import { index, text } from '../schema/fields.js';

export const serverInfoSchema = z.object({
  version: text,
  model: z.object({
    name: text,
    architecture: text,
    layers: index,
    parameters: z.number(),
    contextTokens: index,
    hasChatTemplate: z.boolean(),
  }),
  dtype: text,
  kvDtype: text,
  workers: index,
  /** Kernel threads of each worker. */
  threads: index,
  /** Streams can tell the prompt phase's progress as events. */
  prefillProgress: z.boolean(),
});
export type ServerInfo = Readonly<z.infer<typeof serverInfoSchema>>;
