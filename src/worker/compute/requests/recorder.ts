/**
 * Notes when a rank did what. Every kernel call and every wait passes through it, so that a timeline's parts are
 * measured where they happen and nowhere else.
 */
import { type Clock, wallClock } from '../../../core/clock.js';
import type { Slice } from '../../../core/partition.js';
import type { RankTimeline, TimelineEvent } from '../../../core/timeline.js';

export class Recorder {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #events: TimelineEvent[] = [];
  #waitMs = 0;
  #sharedMs = 0;

  constructor(clock: Clock = wallClock) {
    this.#clock = clock;
    this.#startMs = clock();
  }

  /** Runs `work` and notes it; a failed one is noted too. */
  async time<T>(
    kind: TimelineEvent['kind'],
    layer: number,
    work: () => Promise<T>,
    start?: number,
  ): Promise<T> {
    const startMs = this.#clock() - this.#startMs;
    try {
      return await work();
    } finally {
      const endMs = this.#clock() - this.#startMs;
      this.#events.push({ kind, layer, startMs, endMs, ...(start !== undefined && { start }) });
    }
  }

  /** Since the recorder began. */
  get nowMs(): number {
    return this.#clock() - this.#startMs;
  }

  /**
   * Notes a pause that ends now.
   * @param othersMs the part of it in which the thread worked for other requests
   * @param waitLayer the layer whose rows were waited for, where it was a wait
   */
  notePause(startMs: number, othersMs: number, waitLayer?: number): void {
    this.#sharedMs += othersMs;
    if (waitLayer === undefined) return;
    const endMs = this.nowMs;
    this.#waitMs += Math.max(0, endMs - startMs - othersMs);
    this.#events.push({ kind: 'wait', layer: waitLayer, startMs, endMs });
  }

  /** The record so far; bytes and send events are added by the network thread. */
  timeline(rank: number, slice: Slice, cachedTokens = 0, storedTokens = 0): RankTimeline {
    return {
      rank,
      slice: [slice.start, slice.end],
      totalMs: this.#clock() - this.#startMs,
      computeMs: this.#sum('embed') + this.#sum('block') + this.#sum('attention') + this.#sum('head'),
      attentionMs: this.#sum('attention'),
      waitMs: this.#waitMs,
      sharedMs: this.#sharedMs,
      cachedTokens,
      ...(storedTokens > 0 && { storedTokens }),
      sentBytes: 0,
      receivedBytes: 0,
      events: this.#events,
    };
  }

  #sum(kind: TimelineEvent['kind']): number {
    return this.#events.reduce(
      (sum, event) => (event.kind === kind ? sum + event.endMs - event.startMs : sum),
      0,
    );
  }
}
