/**
 * The compute thread's desk: what the network thread sends is looked through between kernel calls, never during one, and
 * put where it belongs; what the compute thread has to say goes out from here. Requests and caches are in
 * held-requests.ts.
 */
import type { MessagePort } from 'node:worker_threads';
import { asKvrError } from '../core/errors.js';
import type { ModelShape } from '../core/shape.js';
import type { ActiveRequest } from './active-request.js';
import { writeRows } from './arrived-rows.js';
import { Grammars } from './grammars.js';
import { HeldRequests } from './held-requests.js';
import { Mailbox } from './mailbox.js';
import { Outbox } from './outbox.js';
import type { ProbeMessage } from './protocol.js';
import type { ComputeSettings, FromCompute, Job, KvRows, ToCompute } from './thread-messages.js';

/** How long a sleep lasts before the desk looks around all the same. */
const LOOK_AGAIN_MS = 1_000;

/** What was handed in and nobody has taken up. */
export type Work =
  | { readonly type: 'request'; readonly request: ActiveRequest }
  | { readonly type: 'probe'; readonly probe: ProbeMessage };

export class Desk {
  readonly grammars = new Grammars();
  isClosing = false;
  /** True while the engine says that no other worker of this machine has anything to do. */
  hasAllCores = false;
  readonly #shape: ModelShape;
  readonly #mailbox: Mailbox;
  readonly #outbox: Outbox;
  readonly #held: HeldRequests;
  readonly #waiting: Work[] = [];

  constructor(port: MessagePort, settings: ComputeSettings, shape: ModelShape) {
    const counters = new Int32Array(settings.counters);
    this.#shape = shape;
    this.#mailbox = new Mailbox(port, counters);
    this.#outbox = new Outbox(port, counters);
    this.#held = new HeldRequests(shape, settings, (entry) => this.tell({ type: 'dropped', entry }));
  }

  /** Reads the mailbox; call it between kernel calls. */
  read(): void {
    for (let message = this.#mailbox.poll(); message; message = this.#mailbox.poll()) this.#take(message);
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
    return this.#outbox.hasRoomToSend;
  }

  /** Hands own rows to the network thread. The payload moves. */
  publish(rows: KvRows): void {
    this.#outbox.publish(rows);
  }

  tell(message: FromCompute, transfer: ArrayBuffer[] = []): void {
    this.#outbox.tell(message, transfer);
  }

  /** Forgets a request and its cache. */
  release(request: ActiveRequest): void {
    this.#held.release(request);
  }

  /** Keeps the cache of a request that has ended, as far as there is room. @param ids what its rows stand for */
  keep(request: ActiveRequest, ids: Int32Array<ArrayBuffer>): void {
    if (this.#held.keep(request, ids)) this.tell({ type: 'kept', request: request.job.request, ids });
  }

  #take(message: ToCompute): void {
    switch (message.type) {
      case 'run':
        return this.#accept(message.job);
      case 'probe':
        return void this.#waiting.push({ type: 'probe', probe: message.probe });
      case 'kv':
        return this.#writeRows(message);
      case 'cancel':
        return this.#held.cancel(message.request);
      case 'vocabulary':
        return this.grammars.learn(message.owner, message.packed, message.tokens);
      case 'forget':
        return this.grammars.forget(message.owner);
      case 'drop':
        return this.#held.dropKept(message.entries);
      case 'cores':
        this.hasAllCores = message.all;
        return;
      case 'close':
        this.isClosing = true;
        return;
    }
  }

  #accept(job: Job): void {
    try {
      this.#waiting.push({ type: 'request', request: this.#held.open(job) });
    } catch (error) {
      this.#tellFailed(job.request, error);
    }
  }

  /** Rows of a request that is gone are dropped: a cancel overtook them. */
  #writeRows(rows: KvRows): void {
    if (this.#mailbox.countRead(rows.payload.byteLength)) this.tell({ type: 'drained' });
    const request = this.#held.get(rows.request);
    if (!request || request.isCancelled) return;
    try {
      writeRows(rows, request, this.#shape);
    } catch (error) {
      this.#held.cancel(rows.request);
      this.#tellFailed(rows.request, error, { layer: rows.layer });
    }
  }

  #tellFailed(request: number, error: unknown, where: { readonly layer?: number } = {}): void {
    const { code, message } = asKvrError(error);
    this.tell({ type: 'failed', request, code, message, phase: 'prefill', ...where });
  }
}
