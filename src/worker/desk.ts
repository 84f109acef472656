/**
 * The compute thread's desk: requests that were handed to this worker, their caches, and the mailbox that KV,
 * cancels and new requests come through. Looked at between kernel calls; never during one.
 */
import type { MessagePort } from 'node:worker_threads';
import { asKvrError, KvrError } from '../core/errors.js';
import { kvBytesPerToken, kvRowBytes, type ModelShape } from '../core/shape.js';
import { type ActiveRequest, openRequest, type Reuse } from './active-request.js';
import { cacheRows } from './cache-rows.js';
import { Grammars } from './grammars.js';
import { Mailbox } from './mailbox.js';
import { commonTokens, type PrefixEntry, PrefixStore } from './prefix-store.js';
import { MAX_REQUESTS, type ProbeMessage } from './protocol.js';
import { unpackRows } from './publish-rows.js';
import {
  type ComputeSettings,
  COUNTERS,
  type FromCompute,
  type Job,
  kib,
  type KvRows,
  MAX_UNREAD_KIB,
  MAX_UNSENT_KIB,
} from './thread-messages.js';

/** How long a sleep lasts before the desk looks around all the same. */
const LOOK_AGAIN_MS = 1_000;

/** What was handed in and nobody has taken up. */
export type Work =
  | { readonly type: 'request'; readonly request: ActiveRequest }
  | { readonly type: 'probe'; readonly probe: ProbeMessage };

export class Desk {
  readonly #mailbox: Mailbox;
  readonly #port: MessagePort;
  readonly #counters: Int32Array;
  readonly #shape: ModelShape;
  readonly #kvBytesLimit: number;
  readonly #requests = new Map<number, ActiveRequest>();
  readonly #waiting: Work[] = [];
  readonly #store: PrefixStore;
  #kvBytes = 0;
  readonly grammars = new Grammars();
  isClosing = false;
  /** True while the engine says that no other worker of this machine has anything to do. */
  hasAllCores = false;

  constructor(port: MessagePort, settings: ComputeSettings, shape: ModelShape) {
    this.#port = port;
    this.#counters = new Int32Array(settings.counters);
    this.#mailbox = new Mailbox(port, this.#counters);
    this.#shape = shape;
    this.#kvBytesLimit = settings.kvBytesLimit;
    this.#store = new PrefixStore(shape, settings.prefixCacheBytes, (entry) =>
      this.tell({ type: 'dropped', entry }),
    );
  }

  /** Reads the mailbox; call it between kernel calls. */
  read(): void {
    for (let message = this.#mailbox.poll(); message; message = this.#mailbox.poll()) {
      switch (message.type) {
        case 'run':
          this.#accept(message.job);
          break;
        case 'probe':
          this.#waiting.push({ type: 'probe', probe: message.probe });
          break;
        case 'kv':
          this.#write(message);
          break;
        case 'cancel':
          this.#cancel(message.request);
          break;
        case 'vocabulary':
          this.grammars.learn(message.owner, message.packed, message.tokens);
          break;
        case 'forget':
          this.grammars.forget(message.owner);
          break;
        case 'drop':
          for (const entry of message.entries) this.#store.drop(entry);
          break;
        case 'cores':
          this.hasAllCores = message.all;
          break;
        case 'close':
          this.isClosing = true;
          break;
      }
    }
  }

  /** @returns what has come since the last time, in order of arrival. */
  takeNew(): Work[] {
    return this.#waiting.splice(0);
  }

  /** True while nothing waits to be done. */
  get isIdle(): boolean {
    this.read();
    return this.#waiting.length === 0 && !this.isClosing;
  }

  /** Sleeps until something new came since the last read(). Call it when that left nothing to do. */
  sleep(): void {
    this.#mailbox.sleep(LOOK_AGAIN_MS);
  }

  get hasRoomToSend(): boolean {
    return Atomics.load(this.#counters, COUNTERS.unsentKib) <= MAX_UNSENT_KIB;
  }

  /** Hands own rows to the network thread. The payload moves. */
  publish(rows: KvRows): void {
    Atomics.add(this.#counters, COUNTERS.unsentKib, kib(rows.payload.byteLength));
    this.tell({ type: 'publish', ...rows }, [rows.payload.buffer]);
  }

  tell(message: FromCompute, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  /** Forgets a request and its cache. */
  release(request: ActiveRequest): void {
    if (!this.#requests.delete(request.job.request)) return;
    this.#kvBytes -= request.cacheBytes;
  }

  /** Keeps the cache of a request that has ended, as far as there is room. @param ids what its rows stand for */
  keep({ job, cache }: ActiveRequest, ids: Int32Array<ArrayBuffer>): void {
    const roomBytes = this.#kvBytesLimit - this.#kvBytes;
    if (this.#store.keep(job.request, ids, cache, roomBytes))
      this.tell({ type: 'kept', request: job.request, ids });
  }

  #accept(job: Job): void {
    try {
      const source = job.reuse && this.#store.find(job.reuse.entry);
      this.#makeRoom(cacheRows(job) * kvBytesPerToken(this.#shape, job.kvDtype), source?.entry);
      const request = openRequest(job, this.#shape, source && reuseOf(job, source));
      this.#kvBytes += request.cacheBytes;
      this.#requests.set(job.request, request);
      this.#waiting.push({ type: 'request', request });
    } catch (error) {
      const { code, message } = asKvrError(error);
      this.tell({ type: 'failed', request: job.request, code, message, phase: 'prefill' });
    }
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
    const needed = Math.ceil((this.#kvBytes + cacheBytes) / 2 ** 20);
    const limit = Math.floor(this.#kvBytesLimit / 2 ** 20);
    throw new KvrError(
      'WORKER_REFUSED',
      `KV-cache of ${needed} MiB exceeds the worker's limit of ${limit} MiB; shorten the prompt or raise --kv-memory`,
    );
  }

  /** Puts a prefix's rows where they belong. Rows of a request that is gone are dropped: a cancel overtook them. */
  #write(rows: KvRows): void {
    this.#countRead(rows.payload.byteLength);
    const request = this.#requests.get(rows.request);
    if (!request || request.isCancelled) return;
    try {
      this.#checkRows(rows, request);
      request.cache.write(rows.layer, rows.start, unpackRows(rows.payload, request.job.kvDtype));
    } catch (error) {
      this.#cancel(rows.request);
      const { code, message } = error as KvrError;
      this.tell({
        type: 'failed',
        request: rows.request,
        code,
        message,
        phase: 'prefill',
        layer: rows.layer,
      });
    }
  }

  #checkRows(rows: KvRows, request: ActiveRequest): void {
    const expected = rows.rows * kvRowBytes(this.#shape, request.job.kvDtype);
    if (rows.payload.byteLength !== expected) {
      throw new KvrError(
        'PROTOCOL',
        `KV frame of ${rows.rows} rows has ${rows.payload.byteLength} bytes, expected ${expected}`,
      );
    }
    const coverage = request.coverage[rows.layer];
    if (!coverage)
      throw new KvrError(
        'PROTOCOL',
        `KV frame for layer ${rows.layer} of a model with ${this.#shape.layers} layers`,
      );
    coverage.add(rows.start, rows.start + rows.rows);
  }

  #countRead(bytes: number): void {
    const before = Atomics.sub(this.#counters, COUNTERS.unreadKib, kib(bytes));
    // The network thread paused its links at the limit; half of it is a good moment to go on.
    const half = MAX_UNREAD_KIB / 2;
    if (before >= half && before - kib(bytes) < half) this.tell({ type: 'drained' });
  }

  /** No kernel works on the request now, so its room is free at once: the next message may be a run that needs it. */
  #cancel(id: number): void {
    const request = this.#requests.get(id);
    if (!request) return;
    request.isCancelled = true;
    this.release(request);
  }
}

/**
 * The part of an entry that the job's slice begins with. A chain's rank 0 may have all of its slice; whoever is alone
 * computes at least the last token, since nothing else gives its logits.
 */
function reuseOf(
  { strategy, rank, chain, partition, ids, reuse, kvDtype }: Job,
  entry: PrefixEntry,
): Reuse | undefined {
  if (rank !== 0 || (strategy !== 'kvr' && strategy !== 'single')) return undefined;
  if (entry.cache.kvDtype !== kvDtype) return undefined;
  const most = chain.length === 1 ? ids.length - 1 : (partition[0] ?? 0);
  const tokens = Math.min(commonTokens(entry.ids, ids), reuse?.tokens ?? 0, most);
  return tokens > 0 ? { cache: entry.cache, tokens } : undefined;
}
