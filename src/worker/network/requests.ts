/**
 * The requests of a worker, as its network thread sees them: each is checked, handed to the compute thread and the rows
 * router, reported to its engine, and ended, also when a link that it needs ends.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import { KvrError } from '../../core/errors.js';
import type { Link } from '../../link/link.js';
import { checkRun, readPart } from './check-run.js';
import type { ComputeHandle } from '../threads/compute-handle.js';
import type { Connection } from './door/connection.js';
import type { ModelStatus } from './model-status.js';
import { type FromWorker, MAX_REQUESTS, type RunMessage } from '../protocol/index.js';
import type { RowsRouter } from './relay/rows-router.js';
import { send, sendFailure } from './send.js';
import type { FromCompute } from '../threads/thread-messages.js';

export class Requests {
  /** When each engine last had something to do here. */
  readonly #activeMs = new Map<Link, number>();
  readonly #clock: Clock;
  readonly #compute: ComputeHandle;
  readonly #rows: RowsRouter;
  readonly #modelStatus: ModelStatus;

  constructor(compute: ComputeHandle, rows: RowsRouter, modelStatus: ModelStatus, clock: Clock = wallClock) {
    this.#clock = clock;
    this.#compute = compute;
    this.#rows = rows;
    this.#modelStatus = modelStatus;
  }

  start(engine: Connection, run: RunMessage, payload: Uint8Array<ArrayBuffer>): void {
    try {
      const { shape } = this.#modelStatus;
      this.#checkRoom(engine.link);
      if (!shape) throw new KvrError('PROTOCOL', 'run before the model was ready');
      checkRun(run, payload, engine.own, shape);
      const route = this.#rows.open(engine, run, shape);
      const job = { ...run, ...readPart(run, payload), owner: engine.number };
      this.#compute.post({ type: 'run', job }, [payload.buffer]);
      this.#activeMs.set(engine.link, this.#clock());
      this.#rows.start(route);
    } catch (error) {
      sendFailure(engine.link, error, { request: run.request, phase: 'connect' });
    }
  }

  /** When an engine other than this one last had a request here; -Infinity where none had. */
  otherActiveMs(link: Link): number {
    if (this.#rows.entries().some(([, { engine }]) => engine !== link)) return this.#clock();
    const others = [...this.#activeMs].filter(([engine]) => engine !== link);
    return Math.max(...others.map(([, ms]) => ms), -Infinity);
  }

  /** The link to the engine that asked; undefined for a request that is over. */
  engineOf(request: number): Link | undefined {
    return this.#rows.get(request)?.engine;
  }

  sendToEngine(request: number, message: FromWorker, payload?: Uint8Array<ArrayBuffer>): void {
    const engine = this.engineOf(request);
    if (engine) send(engine, message, payload);
  }

  onToken({ logits, ...token }: Extract<FromCompute, { type: 'token' }>): void {
    this.sendToEngine(token.request, token, logits && new Uint8Array(logits.buffer));
  }

  onPooled({ sums, ...pooled }: Extract<FromCompute, { type: 'pooled' }>): void {
    this.sendToEngine(pooled.request, pooled, new Uint8Array(sums.buffer));
  }

  onPromptLogprobs({ scores, ...rows }: Extract<FromCompute, { type: 'promptLogprobs' }>): void {
    this.sendToEngine(rows.request, rows, new Uint8Array(scores.buffer));
  }

  onPrefilled(message: Extract<FromCompute, { type: 'prefilled' }>): void {
    const route = this.#rows.get(message.request);
    route?.whenSent(() => {
      send(route.engine, { ...message, timeline: route.complete(message.timeline) });
      // Only the last rank goes on; for the others the request is over once their rows have left.
      if (route.run.rank < route.run.chain.length - 1) this.#rows.forget(message.request);
    });
  }

  /** Ends a request and sends its engine the last message. */
  end(request: number, message: FromWorker): void {
    const engine = this.engineOf(request);
    if (engine?.isClosed === false) this.#activeMs.set(engine, this.#clock());
    this.sendToEngine(request, message);
    this.#rows.forget(request);
  }

  /**
   * Ends the requests that needed a link that is gone.
   * @param owners links to the engine that a link between two workers belonged to
   */
  onLinkClosed({ role, worker, link }: Connection, owners: readonly Link[], error: Error | undefined): void {
    this.#rows.leave(link);
    this.#activeMs.delete(link);
    for (const [request, route] of this.#rows.entries()) {
      if (route.engine === link) this.#rows.cancel(request);
      else if (role === 'peer' && owners.includes(route.engine) && route.needs(worker))
        this.#fail(request, worker, brokenLink(worker, error));
    }
  }

  /** The compute thread has the same limit for all; this one keeps a flood from waiting for it. @throws WORKER_REFUSED */
  #checkRoom(engine: Link): void {
    const own = this.#rows.entries().filter(([, route]) => route.engine === engine).length;
    if (own < 2 * MAX_REQUESTS) return;
    throw new KvrError('WORKER_REFUSED', `${own} requests of one engine, limit ${2 * MAX_REQUESTS}`);
  }

  #fail(request: number, peer: string, { code, message }: KvrError): void {
    this.#rows.cancel(request);
    this.end(request, { type: 'failed', request, code, message, phase: 'prefill', peer });
  }
}

/** Why a request that needs a worker fails when the link to it ends. */
function brokenLink(worker: string, error: Error | undefined): KvrError {
  const code = error instanceof KvrError && error.code === 'PROTOCOL' ? 'PROTOCOL' : 'LINK';
  return new KvrError(code, `link to worker ${worker}: ${error?.message ?? 'closed'}`);
}
