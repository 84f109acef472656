/**
 * Requests that the compute thread holds, with their caches, and what is kept of ended ones: all within one bound of
 * bytes. Kept caches give way to requests, never the other way round.
 */
import { KvrError } from '../../../core/errors.js';
import { kvBytesPerToken, type ModelShape } from '../../../core/shape.js';
import { type ActiveRequest, openRequest } from './active-request.js';
import { kvRows } from '../../../core/kv-rows.js';
import { PrefixStore } from './prefix-store.js';
import { MAX_REQUESTS } from '../../protocol/index.js';
import type { Outbox } from '../../threads/outbox.js';
import { reuseOf } from './reuse.js';
import type { ComputeSettings, Job } from '../../threads/thread-messages.js';

export class HeldRequests {
  readonly #shape: ModelShape;
  readonly #kvBytesLimit: number;
  readonly #store: PrefixStore;
  readonly #outbox: Outbox;
  readonly #requests = new Map<number, ActiveRequest>();
  #kvBytes = 0;

  constructor(
    shape: ModelShape,
    { kvBytesLimit, prefixCacheBytes }: Pick<ComputeSettings, 'kvBytesLimit' | 'prefixCacheBytes'>,
    outbox: Outbox,
  ) {
    this.#shape = shape;
    this.#kvBytesLimit = kvBytesLimit;
    this.#store = new PrefixStore(shape, prefixCacheBytes, (entry) =>
      outbox.send({ type: 'dropped', entry }),
    );
    this.#outbox = outbox;
  }

  get(request: number): ActiveRequest | undefined {
    return this.#requests.get(request);
  }

  /** Takes on a request, with the kept rows that it goes on from. @throws WORKER_REFUSED */
  open(job: Job): ActiveRequest {
    const source = job.reuse && this.#store.find(job.reuse.entry);
    this.#makeRoom(kvRows(job) * kvBytesPerToken(this.#shape, job.spec.kvDtype), source?.entry);
    const request = openRequest(job, this.#shape, source && reuseOf(job, source));
    this.#kvBytes += request.cacheBytes;
    this.#requests.set(job.request, request);
    return request;
  }

  /** No kernel works on the request now, so its room is free at once: the next message may be a run that needs it. */
  cancel(id: number): void {
    const request = this.#requests.get(id);
    if (!request) return;
    request.isCancelled = true;
    this.release(request);
  }

  /** Forgets a request and its cache. */
  release(request: ActiveRequest): void {
    if (!this.#requests.delete(request.job.request)) return;
    this.#kvBytes -= request.cacheBytes;
  }

  /** Keeps the cache of a request that has ended, as far as there is room, and says so. @param ids what its rows stand for */
  keep({ job, cache }: ActiveRequest, ids: Int32Array<ArrayBuffer>): void {
    const { request } = job;
    const isKept = this.#store.keep(request, ids, cache, this.#kvBytesLimit - this.#kvBytes);
    if (isKept) this.#outbox.send({ type: 'kept', request, ids });
  }

  dropKept(entries: readonly number[]): void {
    for (const entry of entries) this.#store.drop(entry);
  }

  /** Kept caches go where a request needs their room, the one that it goes on from last. @throws WORKER_REFUSED */
  #makeRoom(cacheBytes: number, source: number | undefined): void {
    if (this.#requests.size >= MAX_REQUESTS) {
      throw new KvrError(
        'WORKER_REFUSED',
        `worker holds ${MAX_REQUESTS} requests, its limit; try again later`,
      );
    }
    if (this.#kvBytes + cacheBytes <= this.#kvBytesLimit) {
      this.#store.shrinkTo(this.#kvBytesLimit - this.#kvBytes - cacheBytes, source);
      return;
    }
    // Megabytes, as --kv-memory takes them.
    const needed = Math.ceil((this.#kvBytes + cacheBytes) / 1e6);
    const limit = Math.floor(this.#kvBytesLimit / 1e6);
    throw new KvrError(
      'WORKER_REFUSED',
      `KV-cache of ${needed} MB exceeds the worker's limit of ${limit} MB; shorten the prompt or raise --kv-memory`,
    );
  }
}
