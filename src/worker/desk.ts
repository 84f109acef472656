/**
 * The compute thread's desk: requests that were handed to this worker, their caches, and the mailbox that KV,
 * cancels and new requests come through. Looked at between kernel calls; never during one.
 */
import type { MessagePort } from 'node:worker_threads';
import { KvrError } from '../core/errors.js';
import type { Slice } from '../core/partition.js';
import { kvBytesPerToken, type ModelShape } from '../core/shape.js';
import { KvCache } from '../runtime/kv-cache.js';
import { Mailbox } from './mailbox.js';
import type { ProbeMessage } from './protocol.js';
import { Recorder } from './recorder.js';
import { RowCoverage } from './row-coverage.js';
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
/** Requests one worker holds at once, running and waiting. */
export const MAX_REQUESTS = 64;

export type ActiveRequest = {
  readonly job: Job;
  readonly rank: number;
  readonly slice: Slice;
  readonly contextTokens: number;
  readonly cache: KvCache;
  readonly cacheBytes: number;
  /** Per layer, which of the rows that this rank waits for are there. */
  readonly coverage: readonly RowCoverage[];
  readonly recorder: Recorder;
  isCancelled: boolean;
};

/** What the compute thread does next. */
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
  #kvBytes = 0;
  isClosing = false;

  constructor(port: MessagePort, settings: ComputeSettings, shape: ModelShape) {
    this.#port = port;
    this.#counters = new Int32Array(settings.counters);
    this.#mailbox = new Mailbox(port, this.#counters);
    this.#shape = shape;
    this.#kvBytesLimit = settings.kvBytesLimit;
  }

  /** @returns what to work on next, sleeping until there is something; undefined when the worker closes. */
  next(): Work | undefined {
    for (;;) {
      this.#readAll();
      if (this.isClosing) return undefined;
      const work = this.#waiting.shift();
      if (work) return work;
      this.#mailbox.sleep(LOOK_AGAIN_MS);
    }
  }

  /** True while nothing waits to be done. */
  get isIdle(): boolean {
    this.#readAll();
    return this.#waiting.length === 0 && !this.isClosing;
  }

  /** Reads the mailbox; call it between kernel calls. @throws CANCELLED when `request` was cancelled. */
  look(request: ActiveRequest): void {
    this.#readAll();
    if (request.isCancelled || this.isClosing) throw new KvrError('CANCELLED', 'request was cancelled');
  }

  /** Waits for `isReady` while reading the mailbox, noting the time as waiting. @throws CANCELLED */
  async waitUntil(request: ActiveRequest, layer: number, isReady: () => boolean): Promise<void> {
    this.look(request);
    if (isReady()) return;
    await request.recorder.time('wait', layer, async () => {
      while (!isReady()) {
        this.#mailbox.sleep(LOOK_AGAIN_MS);
        this.look(request);
      }
    });
  }

  /** Hands own rows to the network thread; sleeps while too many are still unsent. The payload moves. */
  publish(rows: KvRows): void {
    const request = this.#requests.get(rows.request);
    while (request && Atomics.load(this.#counters, COUNTERS.unsentKib) > MAX_UNSENT_KIB) {
      this.look(request);
      this.#mailbox.sleep(LOOK_AGAIN_MS);
    }
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

  #readAll(): void {
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
        case 'close':
          this.isClosing = true;
          break;
      }
    }
  }

  #accept(job: Job): void {
    try {
      const request = this.#open(job);
      this.#requests.set(job.request, request);
      this.#waiting.push({ type: 'request', request });
    } catch (error) {
      const refusal = error instanceof KvrError ? error : new KvrError('INTERNAL', String(error));
      const { code, message } = refusal;
      this.tell({ type: 'failed', request: job.request, code, message, phase: 'prefill' });
    }
  }

  /** Allocates what the request needs. @throws WORKER_REFUSED */
  #open(job: Job): ActiveRequest {
    const contextTokens = job.partition.reduce((sum, size) => sum + size, 0);
    const start = job.partition.slice(0, job.rank).reduce((sum, size) => sum + size, 0);
    const slice = { start, end: start + (job.partition[job.rank] ?? 0) };
    const isGathered = job.strategy === 'tsp' || job.strategy === 'tsp-dense';
    const promptRows = isGathered ? contextTokens : slice.end;
    const capacity = job.rank === job.chain.length - 1 ? contextTokens + job.maxTokens : promptRows;
    // A chain needs the rows before its slice; an all-gather needs everyone's, its own included.
    const expectedRows = isGathered ? contextTokens : start;
    const cacheBytes = capacity * kvBytesPerToken(this.#shape);
    this.#checkRoom(cacheBytes);
    const cache = allocateCache(this.#shape, capacity, cacheBytes);
    this.#kvBytes += cacheBytes;
    return {
      job,
      rank: job.rank,
      slice,
      contextTokens,
      cache,
      cacheBytes,
      coverage: Array.from({ length: this.#shape.layers }, () => new RowCoverage(expectedRows)),
      recorder: new Recorder(),
      isCancelled: false,
    };
  }

  #checkRoom(cacheBytes: number): void {
    if (this.#requests.size >= MAX_REQUESTS) {
      throw new KvrError(
        'WORKER_REFUSED',
        `worker holds ${MAX_REQUESTS} requests, its limit; try again later`,
      );
    }
    if (this.#kvBytes + cacheBytes <= this.#kvBytesLimit) return;
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
      const floats = new Float32Array(
        rows.payload.buffer,
        rows.payload.byteOffset,
        rows.payload.byteLength / 4,
      );
      request.cache.write(
        rows.layer,
        rows.start,
        floats.subarray(0, floats.length / 2),
        floats.subarray(floats.length / 2),
      );
      request.recorder.receivedBytes += rows.payload.byteLength;
    } catch (error) {
      request.isCancelled = true;
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
    const expected = rows.rows * 8 * this.#shape.kvHeads * this.#shape.headDim;
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

  #cancel(id: number): void {
    const request = this.#requests.get(id);
    if (request) request.isCancelled = true;
  }
}

/** @throws WORKER_REFUSED where the system has no room for it, whatever our own limit says */
function allocateCache(shape: ModelShape, capacity: number, cacheBytes: number): KvCache {
  try {
    return new KvCache(shape, capacity);
  } catch (error) {
    const needed = Math.ceil(cacheBytes / 2 ** 20);
    const message = `no memory for a KV-cache of ${needed} MiB; shorten the prompt or lower the new tokens`;
    throw new KvrError('WORKER_REFUSED', message, {}, error);
  }
}
