/**
 * Keeps a timeline small enough for one control frame, whatever the prompt's length. Pure; called by route.ts.
 */
import type { TimelineEvent } from './timeline.js';

/** About 100 bytes of JSON each, so that a timeline stays under half of a control frame's bound. */
export const MAX_TIMELINE_EVENTS = 4096;

/**
 * @returns the events in order of their start; where there are too many, those of a kind and layer as one stretch
 * from the first one's start to the last one's end. Sums over the events are taken before this.
 */
export function compactEvents(events: readonly TimelineEvent[]): TimelineEvent[] {
  const kept = events.length <= MAX_TIMELINE_EVENTS ? [...events] : merge(events);
  return kept.sort((a, b) => a.startMs - b.startMs);
}

function merge(events: readonly TimelineEvent[]): TimelineEvent[] {
  const merged = new Map<string, TimelineEvent>();
  for (const event of events) {
    const key = `${event.kind} ${event.layer}`;
    const other = merged.get(key) ?? event;
    const startMs = Math.min(other.startMs, event.startMs);
    merged.set(key, { ...event, startMs, endMs: Math.max(other.endMs, event.endMs) });
  }
  return [...merged.values()];
}
