/**
 * What an event of /kvr/live tells.
 */
import * as z from 'zod/mini';
import { type LiveEvent, liveEventSchema } from '../../core/documents/live-event.js';
import { parseJson } from './parse.js';
import type { SseEvent } from './sse.js';

/** @returns undefined for events that this page does not know, or that are not as they should be */
export function liveEvent({ name, data }: SseEvent): LiveEvent | undefined {
  return liveEventSchema.safeParse({ type: name, data: parseJson(data, z.unknown()) }).data;
}
