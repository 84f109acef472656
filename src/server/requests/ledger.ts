/**
 * A record of the last requests, and the listeners that follow them while they run: the source of the page's lists and
 * of the metrics. Holds figures and timelines, never text.
 */
import { asKvrError } from '../../core/errors.js';
import type { LiveEvent } from '../../core/documents/live-event.js';
import {
  MAX_RECORDS,
  type RequestKind,
  type RequestRecord,
  type RequestStatus,
} from '../../core/documents/request-record.js';
import type { RankTimeline } from '../../core/timeline.js';
import type { GenerateEvent, GenerationResult } from '../../engine/output/generation.js';

export const MAX_LISTENERS = 32;

/** As the page gets them, but with the whole record. */
export type LedgerEvent =
  Exclude<LiveEvent, { type: 'request' }> | { readonly type: 'request'; readonly data: RequestRecord };

const ENDED: readonly RequestStatus[] = ['done', 'failed', 'cancelled'];

type Listener = (event: LedgerEvent) => void;

export class Ledger {
  readonly #records: RequestRecord[] = [];
  readonly #active = new Map<string, RequestStatus>();
  readonly #listeners = new Set<Listener>();
  readonly #singleTtftMs: (contextTokens: number) => number | null;

  /** @param singleTtftMs predicts a prompt on one worker alone; null where nothing is known */
  constructor(singleTtftMs: (contextTokens: number) => number | null) {
    this.#singleTtftMs = singleTtftMs;
  }

  /** Newest first. */
  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /** Requests that have one of these states now, also those that have left the list of the last ones. */
  activeCount(statuses: readonly RequestStatus[]): number {
    return [...this.#active.values()].filter((status) => statuses.includes(status)).length;
  }

  begin(id: string, kind: RequestKind, promptTokens: number): LedgerEntry {
    return new LedgerEntry(
      {
        id,
        atMs: Date.now(),
        kind,
        status: 'queued',
        promptTokens,
        cachedTokens: 0,
        completionTokens: 0,
        queueMs: null,
        ttftMs: null,
        predictedTtftMs: null,
        singleTtftMs: this.#singleTtftMs(promptTokens),
        decodeTokensPerSecond: null,
        partition: [],
        timeline: [],
      },
      this,
    );
  }

  /** @returns a function that ends the listening, or undefined where MAX_LISTENERS listen already */
  listen(listener: Listener): (() => void) | undefined {
    if (this.#listeners.size >= MAX_LISTENERS) return undefined;
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(event: LedgerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Puts a record's newest state in the place of its last one. */
  keep(record: RequestRecord): void {
    if (ENDED.includes(record.status)) this.#active.delete(record.id);
    else this.#active.set(record.id, record.status);
    const at = this.#records.findIndex(({ id }) => id === record.id);
    if (at >= 0) this.#records[at] = record;
    // One that has left the list while it waited comes back when it moves on.
    else this.#records.unshift(record);
    this.#records.splice(MAX_RECORDS);
    this.publish({ type: 'request', data: record });
  }
}

/** The record of one answer while it is generated. Whoever runs it hands in its events. */
export class LedgerEntry {
  readonly #ledger: Ledger;
  readonly #startMs = performance.now();
  #record: RequestRecord;

  constructor(record: RequestRecord, ledger: Ledger) {
    this.#record = record;
    this.#ledger = ledger;
    ledger.keep(record);
  }

  get record(): RequestRecord {
    return this.#record;
  }

  onEvent(event: GenerateEvent): void {
    const { id } = this.#record;
    switch (event.type) {
      case 'prefill':
        this.#advance('prefill');
        if (event.timeline) this.#addTimeline(event.timeline);
        return this.#ledger.publish({ type: 'progress', data: { id, fraction: event.fraction } });
      case 'token': {
        this.#advance('decode');
        const count = this.#record.completionTokens + (event.isRest ? 0 : 1);
        this.#record = { ...this.#record, completionTokens: count };
        if (event.recoveredMs !== undefined) this.#noteRecovery(event.recoveredMs);
        return this.#ledger.publish({ type: 'tokens', data: { id, count } });
      }
      case 'promptLogprobs':
        return;
      case 'done':
        return this.#finish(event.result);
    }
  }

  /** Of a request that is pooled instead of answered: its time to the first token is that to its end. */
  onPooled({ queueMs, totalMs }: { readonly queueMs: number; readonly totalMs: number }): void {
    this.#change({ status: 'done', queueMs, ttftMs: totalMs - queueMs });
  }

  /** @param isCancelled its client left */
  onError(thrown: unknown, isCancelled: boolean): void {
    const { code, message } = asKvrError(thrown);
    const status = isCancelled ? 'cancelled' : 'failed';
    this.#change({ status, ...(!isCancelled && { error: { code, message } }) });
  }

  /** A rank's record, as soon as the rank is done: the rest of the chain may still be at work. */
  #addTimeline(rank: RankTimeline): void {
    const timeline = [...this.#record.timeline, rank].sort((a, b) => a.rank - b.rank);
    this.#record = { ...this.#record, timeline };
    this.#ledger.keep(this.#record);
    this.#ledger.publish({ type: 'timeline', data: { id: this.#record.id, timeline } });
  }

  #noteRecovery(ms: number): void {
    const { recoveries = 0, recoveryMs = 0 } = this.#record;
    this.#record = { ...this.#record, recoveries: recoveries + 1, recoveryMs: recoveryMs + ms };
  }

  #advance(status: 'prefill' | 'decode'): void {
    if (this.#record.status === status) return;
    const ms = performance.now() - this.#startMs;
    const queueMs = this.#record.queueMs ?? ms;
    this.#change({ status, queueMs, ...(status === 'decode' && { ttftMs: ms - queueMs }) });
  }

  #finish(result: GenerationResult): void {
    const { timeline } = result;
    this.#ledger.publish({ type: 'timeline', data: { id: this.#record.id, timeline } });
    this.#change({
      status: 'done',
      cachedTokens: result.cachedTokens,
      completionTokens: result.completionTokens,
      queueMs: result.queueMs,
      ttftMs: result.ttftMs,
      predictedTtftMs: result.predictedTtftMs,
      decodeTokensPerSecond: result.decodeTokensPerSecond,
      partition: result.partition,
      timeline,
      ...(result.recoveries > 0 && { recoveries: result.recoveries, recoveryMs: result.recoveryMs }),
    });
  }

  #change(fields: Partial<RequestRecord>): void {
    this.#record = { ...this.#record, ...fields };
    this.#ledger.keep(this.#record);
  }
}
