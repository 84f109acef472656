/**
 * The timeline of a rank that is put together from measured times: a clock that moves on by what the rank does.
 */
import type { Slice } from '../../core/partition.js';
import type { RankTimeline, TimelineEvent } from '../../core/timeline.js';
import { compactEvents } from '../../core/compact-events.js';

type Kind = TimelineEvent['kind'];
const COMPUTE: readonly Kind[] = ['embed', 'block', 'attention', 'head'];

export type Traffic = { readonly sentBytes: number; readonly receivedBytes: number };

export class RankRecord {
  readonly #events: TimelineEvent[] = [];
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The rank does something for so long. */
  spend(kind: Kind, layer: number, ms: number, start?: number): void {
    const startMs = this.#nowMs;
    this.#nowMs += ms;
    this.note(kind, layer, startMs, this.#nowMs, start);
  }

  /** The rank waits, where `untilMs` is not over yet. */
  waitUntil(layer: number, untilMs: number): void {
    if (untilMs > this.#nowMs) this.spend('wait', layer, untilMs - this.#nowMs);
  }

  /** Something beside the rank's own work, such as sending; the clock stays. */
  note(kind: Kind, layer: number, startMs: number, endMs: number, start?: number): void {
    this.#events.push({ kind, layer, startMs, endMs, ...(start !== undefined && { start }) });
  }

  timeline(rank: number, slice: Slice, traffic: Traffic): RankTimeline {
    return {
      rank,
      slice: [slice.start, slice.end],
      totalMs: this.#nowMs,
      computeMs: this.#sum(COMPUTE),
      attentionMs: this.#sum(['attention']),
      waitMs: this.#sum(['wait']),
      ...traffic,
      events: compactEvents(this.#events),
    };
  }

  #sum(kinds: readonly Kind[]): number {
    return this.#events
      .filter(({ kind }) => kinds.includes(kind))
      .reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  }
}
