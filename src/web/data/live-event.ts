/**
 * What /kvr/live tells, as one union.
 */
import type { RankTimeline } from '../../core/timeline.js';
import { type RequestRecord, requestRecord, timelines } from './records.js';
import { finite, objectOf, parseJson, type Shape, text } from './shape.js';
import type { SseEvent } from './sse.js';

export type LiveEvent =
  | { readonly type: 'request'; readonly record: RequestRecord }
  | { readonly type: 'progress'; readonly id: string; readonly fraction: number }
  | { readonly type: 'tokens'; readonly id: string; readonly count: number }
  | { readonly type: 'timeline'; readonly id: string; readonly timeline: readonly RankTimeline[] };

type Fields<T extends LiveEvent['type']> = Omit<Extract<LiveEvent, { type: T }>, 'type'>;

const progress: Shape<Fields<'progress'>> = objectOf<Fields<'progress'>>({ id: text, fraction: finite });
const tokens: Shape<Fields<'tokens'>> = objectOf<Fields<'tokens'>>({ id: text, count: finite });
const timeline: Shape<Fields<'timeline'>> = objectOf<Fields<'timeline'>>({ id: text, timeline: timelines });

/** @returns undefined for events that this page does not know, or that are not as they should be */
export function liveEvent({ name, data }: SseEvent): LiveEvent | undefined {
  switch (name) {
    case 'request': {
      const record = parseJson(data, requestRecord);
      return record && { type: 'request', record };
    }
    case 'progress':
      return withType('progress', parseJson(data, progress));
    case 'tokens':
      return withType('tokens', parseJson(data, tokens));
    case 'timeline':
      return withType('timeline', parseJson(data, timeline));
    default:
      return undefined;
  }
}

function withType<T extends string, F extends object>(
  type: T,
  fields: F | undefined,
): ({ type: T } & F) | undefined {
  return fields && { type, ...fields };
}
