/**
 * What GET /kvr/live sends while requests run: server-sent events, with the type as their name and the data as JSON.
 */
import * as z from 'zod/mini';
import { index, text } from '../schema/fields.js';
import { requestRecordSchema, timelineSchema } from './request-record.js';

/** A record's timeline comes as an event of its own. */
const changedRecordSchema = z.omit(requestRecordSchema, { timeline: true });

export const liveEventSchema = z.discriminatedUnion('type', [
  /** A request has begun or changed. */
  z.object({ type: z.literal('request'), data: changedRecordSchema }),
  /** Share of the prompt phase that is done. */
  z.object({ type: z.literal('progress'), data: z.object({ id: text, fraction: z.number() }) }),
  /** New tokens so far. */
  z.object({ type: z.literal('tokens'), data: z.object({ id: text, count: index }) }),
  z.object({ type: z.literal('timeline'), data: z.object({ id: text, timeline: timelineSchema }) }),
]);
export type LiveEvent = z.infer<typeof liveEventSchema>;
export type ChangedRecord = Readonly<z.infer<typeof changedRecordSchema>>;
