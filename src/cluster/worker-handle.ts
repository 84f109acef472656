/**
 * One worker as the engine sees it: its control link, its handshake, its heartbeat, and why it ended if it did.
 * Knows no requests; engine/ listens to its messages.
 */
import { KvrError, type KvrErrorCode } from '../core/errors.js';
import { type Address, formatAddress } from '../link/address.js';
import { controlFrame, type Frame } from '../link/frame.js';
import type { Link } from '../link/link.js';
import type { OpenLink } from '../link/transport.js';
import { plainTransports, type TransportOf } from '../link/open-transport.js';
import { type FromWorker, fromWorkerSchema, parseMessage, type ToWorker } from '../worker/protocol/index.js';

/** A worker answers from its network thread, which never computes; silence this long means it hangs. */
export const HEARTBEAT_TIMEOUT_MS = 5_000;
const HEARTBEAT_MS = 500;

export type WorkerListener = (message: FromWorker, payload: Uint8Array<ArrayBuffer>) => void;
export type ReadyWorker = Extract<FromWorker, { type: 'ready' }>;

export class WorkerHandle {
  readonly id: string;
  /** Where others dial it; undefined where nobody can. */
  readonly address: Address | undefined;
  /** Unique among the engines that a worker serves: its links to other workers are kept apart by it. */
  readonly engine: string;
  /** How long a broken link waits for a better reason, such as the signal that killed the process. */
  readonly #reasonGraceMs: number;
  readonly #transportOf: TransportOf;
  readonly #arrived: OpenLink | undefined;
  /** Settles once, when the worker can no longer be used; the error says why, undefined after close(). */
  readonly ended: Promise<KvrError | undefined>;
  readonly #listeners = new Set<WorkerListener>();
  readonly #end: (error: KvrError | undefined) => void;
  readonly #endListeners = new Set<(error: KvrError | undefined) => void>();
  #link: Link | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #heardMs = performance.now();
  #beatMs = performance.now();
  #isEnded = false;
  #hasAnswered = false;
  /** Those that somebody waits for; the heartbeat's have number 0. */
  #pings = 0;

  /**
   * @param id what this engine calls the worker, in chains and to its peers
   * @param arrived the link, where the worker has dialled
   */
  constructor(
    id: string,
    address: Address | undefined,
    engine = 'engine',
    reasonGraceMs = 0,
    transportOf: TransportOf = plainTransports,
    arrived?: OpenLink,
  ) {
    this.#arrived = arrived;
    this.#transportOf = transportOf;
    this.#reasonGraceMs = reasonGraceMs;
    this.id = id;
    this.address = address;
    this.engine = engine;
    const { promise, resolve } = withResolvers<KvrError | undefined>();
    this.ended = promise;
    this.#end = resolve;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Connects and waits for the worker's model to be open. @throws LINK, WORKER_FAILED, CANCELLED */
  async open(signal?: AbortSignal): Promise<ReadyWorker> {
    const openLink = this.#arrived ?? (await this.#dial(signal));
    this.#link = openLink({
      onFrame: (frame) => this.#onFrame(frame),
      onClose: (error) => this.#onClose(error),
    });
    const ready = this.#expectType('ready', signal);
    const { id, engine } = this;
    this.send({ type: 'hello', role: 'engine', worker: engine, as: id, engine });
    this.#beatMs = performance.now();
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    return ready;
  }

  /** Asks the worker to open a link to another, where there is none, and waits until it is open. @throws LINK, and why this worker ended */
  async connectPeer(peer: WorkerHandle): Promise<void> {
    const address = addressOf(peer);
    const answer = this.#expect(
      (message) => 'worker' in message && message.worker === peer.id && message.type.startsWith('connect'),
    );
    this.send({ type: 'connect', peers: [{ worker: peer.id, address }] });
    const message = await answer;
    if (message.type === 'connectFailed')
      throw new KvrError(message.code as KvrErrorCode, `worker ${this.id}: ${message.message}`);
  }

  /** Sends a question and waits for the answer's type. One question of a type at a time. @throws WORKER_* */
  ask<T extends FromWorker['type']>(
    message: ToWorker,
    type: T,
    signal?: AbortSignal,
  ): Promise<Extract<FromWorker, { type: T }>> {
    const answer = this.#expectType(type, signal);
    this.send(message);
    return answer;
  }

  /** Settles when the worker has answered a ping that is sent now, or has ended: it tells whether it lives, however busy all are. */
  async probed(): Promise<void> {
    if (this.#isEnded) return;
    const ping = ++this.#pings;
    const answer = this.#expect((message) => message.type === 'pong' && message.ping === ping);
    this.send({ type: 'ping', ping });
    await answer.catch(() => undefined);
  }

  send(message: ToWorker, payload?: Uint8Array<ArrayBuffer>): void {
    this.#link?.send(controlFrame(message, payload));
  }

  listen(listener: WorkerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Like `ended`, for listeners that are removed again. @returns a function that stops listening */
  onEnd(listener: (error: KvrError | undefined) => void): () => void {
    if (this.#isEnded) void this.ended.then(listener);
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Marks the worker as ended; the first reason stays. */
  fail(error: KvrError): void {
    this.#finish(error);
    this.#link?.close(error);
  }

  close(): void {
    this.#finish(undefined);
    this.#link?.close();
  }

  #dial(signal?: AbortSignal): Promise<OpenLink> {
    if (!this.address) throw new KvrError('INTERNAL', `worker ${this.id} has neither a link nor an address`);
    return this.#transportOf(this.address).dial(this.address, signal);
  }

  #onClose(error: Error | undefined): void {
    // A local worker has no key: it can only have died.
    const isRefusal = !this.#hasAnswered && !this.#arrived && this.address?.kind === 'tcp';
    const remedy = isRefusal
      ? '; it may have another --cluster-key-file, or one where this end has none'
      : '';
    const why = error?.message ?? 'closed';
    const gone = new KvrError('WORKER_DIED', `worker ${this.id} is gone: ${why}${remedy}`);
    if (this.#isEnded || this.#reasonGraceMs === 0) return this.fail(gone);
    setTimeout(() => this.fail(gone), this.#reasonGraceMs);
  }

  #finish(error: KvrError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#heartbeat);
    this.#end(error);
    for (const listener of [...this.#endListeners]) listener(error);
  }

  #beat(): void {
    const nowMs = performance.now();
    // A late beat means that this process was blocked; messages of the worker may be waiting to be read.
    this.#heardMs += Math.max(0, nowMs - this.#beatMs - HEARTBEAT_MS);
    this.#beatMs = nowMs;
    const silentMs = nowMs - this.#heardMs;
    if (silentMs > HEARTBEAT_TIMEOUT_MS) {
      const message = `worker ${this.id} sent nothing for ${Math.round(silentMs)} ms, limit ${HEARTBEAT_TIMEOUT_MS} ms`;
      return this.fail(new KvrError('WORKER_HUNG', message));
    }
    this.send({ type: 'ping', ping: 0 });
  }

  #onFrame(frame: Frame): void {
    this.#heardMs = performance.now();
    this.#hasAnswered = true;
    if (frame.kind !== 'control')
      return this.fail(new KvrError('PROTOCOL', `worker ${this.id} sent KV rows to the engine`));
    try {
      const message = parseMessage(fromWorkerSchema, frame);
      for (const listener of [...this.#listeners]) listener(message, frame.payload);
    } catch (error) {
      this.fail(error instanceof KvrError ? error : new KvrError('PROTOCOL', String(error), {}, error));
    }
  }

  #expectType<T extends FromWorker['type']>(
    type: T,
    signal?: AbortSignal,
  ): Promise<Extract<FromWorker, { type: T }>> {
    const isIt = (message: FromWorker): boolean => message.type === type;
    return this.#expect(isIt, signal) as Promise<Extract<FromWorker, { type: T }>>;
  }

  /** Waits for a message, or for the reason why it will not come. */
  #expect(isIt: (message: FromWorker) => boolean, signal?: AbortSignal): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      const stop = this.listen((message) => {
        if (isIt(message)) settle(() => resolve(message));
        else if (message.type === 'failed' && message.request === undefined) {
          settle(() =>
            reject(new KvrError('WORKER_FAILED', `worker ${this.id} (${message.phase}): ${message.message}`)),
          );
        }
      });
      const onAbort = (): void =>
        settle(() => reject(new KvrError('CANCELLED', 'cancelled while starting workers')));
      const settle = (then: () => void): void => {
        stop();
        stopEnd();
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const stopEnd = this.onEnd((error) =>
        settle(() => reject(error ?? new KvrError('CLOSED', `worker ${this.id} was closed`))),
      );
    });
  }
}

/** @throws LINK where it listens nowhere */
function addressOf({ id, address }: WorkerHandle): string {
  if (address) return formatAddress(address);
  throw new KvrError('LINK', `worker ${id} can not be dialled: it was started with --no-listen`);
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
