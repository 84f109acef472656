/**
 * Requests that the compute thread holds, with their caches, and what is kept of ended ones: all within one bound of
 * bytes. Kept caches give way to requests, never the other way round.
 */
import { KvrError } from '../../../core/errors.js';
import { contextTokensOf, sliceAt } from '../../../core/partition.js';
import { strategyOf } from '../../../core/strategy.js';
import type { ActiveRequest, CacheMaker, Reuse } from './active-request.js';
import { Recorder } from './recorder.js';
import { RowCoverage } from './row-coverage.js';
import { layerSpecs } from '../../../core/shape.js';
import {
  firstSeen,
  keepsWindows,
  kvRows,
  kvStart,
  rankKvBytes,
  rowsFromOthers,
} from '../../../core/kv-rows.js';
import type { KeptApart } from '../../../core/kept-rows/resume-points.js';
import { type PrefixEntry, PrefixStore } from './prefix-store.js';
import { MAX_REQUESTS } from '../../protocol/index.js';
import type { Outbox } from '../../threads/outbox.js';
import { NO_SHARE, type ApartShare, apartShares } from './apart-shares.js';
import { reuseOf } from './reuse.js';
import type { ComputeSettings, Job } from '../../threads/thread-messages.js';

/** Where kept rows go to be written to disk; it asks for them for as long as they are kept. */
type Pending = { add(find: () => PrefixEntry | undefined): void };

export class HeldRequests {
  readonly #model: CacheMaker;
  readonly #kvBytesLimit: number;
  readonly #prefixCacheBytes: number;
  readonly #store: PrefixStore;
  readonly #outbox: Outbox;
  readonly #pending: Pending | undefined;
  readonly #requests = new Map<number, ActiveRequest>();
  /** Those of them that count: not the cancelled ones, which are about to go. */
  readonly #counted = new Set<ActiveRequest>();
  /** Of their rows, without those kept apart for later prompts. */
  #kvBytes = 0;

  /** @param pending where nothing is given, nothing is written */
  constructor(
    model: CacheMaker,
    { kvBytesLimit, prefixCacheBytes }: Pick<ComputeSettings, 'kvBytesLimit' | 'prefixCacheBytes'>,
    outbox: Outbox,
    pending?: Pending,
  ) {
    this.#model = model;
    this.#kvBytesLimit = kvBytesLimit;
    this.#prefixCacheBytes = prefixCacheBytes;
    this.#store = new PrefixStore(model, prefixCacheBytes, (entry) =>
      outbox.send({ type: 'dropped', entry }),
    );
    this.#outbox = outbox;
    this.#pending = pending;
  }

  get(request: number): ActiveRequest | undefined {
    return this.#requests.get(request);
  }

  /** Takes on a request, with the kept rows that it goes on from. @throws WORKER_REFUSED */
  async open(job: Job): Promise<ActiveRequest> {
    const source = job.reuse?.entry === undefined ? undefined : this.#store.find(job.reuse.entry);
    const bytes = rankKvBytes(this.#model.shape, job.spec.kvDtype, job);
    const share = this.#giveWayTo(job, this.#roomBeside(bytes));
    const roomBytes = this.#kvBytesLimit - this.#kvBytes - bytes - share.bytes - this.#apartBytes;
    this.#store.shrinkTo(roomBytes, source?.entry);
    try {
      const reuse = source && reuseOf(job, source);
      const request = await openRequest(job, this.#model, reuse, share.apart);
      this.#kvBytes += request.cache.bytes;
      this.#counted.add(request);
      this.#requests.set(job.request, request);
      return request;
    } finally {
      // The entry that it goes on from is copied now, so it may go too.
      this.#store.shrinkTo(roomBytes);
    }
  }

  /**
   * No kernel works on the request now, so its room counts as free at once: the next message may be a run that needs it.
   * Whoever has it in hand sees that it is cancelled and calls release or keep: a prompt's before anything else is done, a
   * sequence's at the end of its step.
   * @returns false where it is held no more
   */
  cancel(id: number): boolean {
    const request = this.#requests.get(id);
    if (!request) return false;
    request.isCancelled = true;
    this.#uncount(request);
    return true;
  }

  /** Ends a request: its cache is closed. */
  release(request: ActiveRequest): void {
    this.#forget(request);
    request.cache.close();
  }

  /** Ends a request and keeps its cache, as far as there is room, and says so. @param ids what its rows stand for */
  async keep(request: ActiveRequest, ids: Int32Array<ArrayBuffer>): Promise<void> {
    this.#forget(request);
    const { cache, job } = request;
    const kept = ids.slice(0, cache.continuable(ids.length));
    const roomBytes = this.#kvBytesLimit - this.#kvBytes - this.#apartBytes;
    let isKept = false;
    try {
      isKept = await this.#store.keep(job.request, kept, cache, roomBytes, request.rowsStart);
    } finally {
      if (!isKept) cache.close();
    }
    if (!isKept) return;
    this.#outbox.send({ type: 'kept', request: job.request, ids: kept });
    this.#pending?.add(() => this.#storable(job.request));
  }

  /** What is kept of a request, where all its rows are there to be stored. */
  #storable(request: number): PrefixEntry | undefined {
    const entry = this.#store.peek(request);
    return entry?.cache.holdsFrom(entry.start) ? entry : undefined;
  }

  /** Closes all caches, those that are kept too. */
  close(): void {
    for (const request of [...this.#requests.values()]) this.release(request);
    this.#store.shrinkTo(0);
  }

  dropKept(entries: readonly number[]): void {
    for (const entry of entries) this.#store.drop(entry);
  }

  #forget(request: ActiveRequest): void {
    const { job } = request;
    if (this.#requests.get(job.request) === request) this.#requests.delete(job.request);
    this.#uncount(request);
  }

  #uncount(request: ActiveRequest): void {
    if (this.#counted.delete(request)) this.#kvBytes -= request.cache.bytes;
  }

  /** What running requests keep apart for later prompts: part of the prefix cache, which gives way to requests. */
  get #apartBytes(): number {
    return [...this.#counted].reduce((sum, { cache }) => sum + cache.apartBytes, 0);
  }

  /** Drops what running requests keep apart, where a new one needs the room. @returns what the new one may keep apart itself */
  #giveWayTo(job: Job, roomBytes: number): ApartShare {
    for (const { cache } of this.#counted) if (this.#apartBytes > roomBytes) cache.dropRowsApart();
    const mostBytes = Math.min(roomBytes, this.#prefixCacheBytes) - this.#apartBytes;
    const shares = apartShares(job, this.#model.shape, this.#pending !== undefined);
    return shares.find(({ bytes }) => bytes <= mostBytes) ?? NO_SHARE;
  }

  /** @returns bytes that kept caches may take beside a new one. @throws WORKER_REFUSED where there is no room for that */
  #roomBeside(cacheBytes: number): number {
    if (this.#counted.size >= MAX_REQUESTS) {
      throw new KvrError(
        'WORKER_REFUSED',
        `worker holds ${MAX_REQUESTS} requests, its limit; try again later`,
      );
    }
    const roomBytes = this.#kvBytesLimit - this.#kvBytes - cacheBytes;
    if (roomBytes >= 0) return roomBytes;
    // Megabytes, as --kv-memory takes them.
    const needed = Math.ceil((this.#kvBytes + cacheBytes) / 1e6);
    const limit = Math.floor(this.#kvBytesLimit / 1e6);
    throw new KvrError(
      'WORKER_REFUSED',
      `KV-cache of ${needed} MB exceeds the worker's limit of ${limit} MB; shorten the prompt or raise --kv-memory`,
    );
  }
}

/**
 * A request whose cache takes memory with its first rows, or has those of an earlier one copied in now where it goes on from there.
 * @throws WORKER_REFUSED where the system has no room for it
 */
export async function openRequest(
  job: Job,
  model: CacheMaker,
  reuse?: Reuse,
  apart: KeptApart = [],
): Promise<ActiveRequest> {
  const contextTokens = contextTokensOf(job.partition);
  const slice = sliceAt(job.partition, job.rank);
  const capacity = kvRows(job);
  // A chain needs rows before its slice; an all-gather needs everyone's, its own included.
  const isGathered = strategyOf(job.spec.strategy).topology === 'gather';
  const end = isGathered ? contextTokens : slice.start;
  const options = { start: kvStart(job), keepsWindows: keepsWindows(job), apart };
  const expected = rowsFromOthers(model.shape, job).map((rows) => (isGathered ? contextTokens : rows));
  const cache = await (reuse
    ? model.continueCache(reuse.cache, reuse.tokens, capacity, options)
    : model.createCache(capacity, job.spec.kvDtype, options));
  return {
    job,
    rank: job.rank,
    slice,
    cachedTokens: reuse?.tokens ?? 0,
    storedTokens: 0,
    rowsStart: reuse?.start ?? cache.start,
    contextTokens,
    cache,
    coverage: expected.map((rows) => new RowCoverage(end - rows, end)),
    firstForNext: layerSpecs(model.shape).map(({ attention }) => firstSeen(attention, slice.end)),
    recorder: new Recorder(),
    isCancelled: false,
  };
}
