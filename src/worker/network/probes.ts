/**
 * Measurements that an engine asks for before it plans: kernels (by the compute thread) and links to peers (by echoes). Kernels
 * are measured for one engine at a time, and not beside another's requests unless that takes too long: whoever only
 * measures must not slow down who works.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import { KvrError } from '../../core/errors.js';
import type { Link } from '../../link/link.js';
import type { ComputeHandle } from '../threads/compute-handle.js';
import type { Connection } from './door/connection.js';
import type { Peers } from './peers.js';
import type { FromWorker, ProbeMessage, ToWorker } from '../protocol/index.js';
import type { Requests } from './requests.js';
import { send, sendFailure } from './send.js';
import type { FromCompute } from '../threads/thread-messages.js';

/** Other engines count as at work until so long after their last request. */
export const QUIET_MS = 2_000;
/** After so long a measurement goes between the requests of others. */
export const PATIENCE_MS = 10_000;
/** Then measurements take at most one part in so many of the time. */
export const BUSY_PARTS = 20;
/** Of attention that is measured, whose keys and values are made up in memory. */
const MAX_PREFIX_TOKENS = 1 << 14;
/** Scores (rows by keys) of one measurement's attention: a plan asks for 2 million, a whole prompt of 11,000 tokens has 60. */
const MAX_SCORES = 1 << 26;

type Asked = { readonly asker: Link; readonly probe: ProbeMessage; readonly sinceMs: number };

export class Probes {
  readonly #compute: Pick<ComputeHandle, 'post'>;
  readonly #peers: Peers;
  readonly #requests: Pick<Requests, 'otherActiveMs'>;
  readonly #chunkTokens: number;
  readonly #clock: Clock;
  /** At most one of each engine, in order of arrival. */
  #waiting: readonly Asked[] = [];
  #running: (Asked & { readonly startMs: number }) | undefined;
  /** When the next may go between requests of others. */
  #nextBusyMs = 0;
  readonly #measuring = new Set<Link>();

  constructor(
    compute: Pick<ComputeHandle, 'post'>,
    peers: Peers,
    requests: Pick<Requests, 'otherActiveMs'>,
    chunkTokens: number,
    clock: Clock = wallClock,
  ) {
    this.#compute = compute;
    this.#peers = peers;
    this.#requests = requests;
    this.#chunkTokens = chunkTokens;
    this.#clock = clock;
  }

  /** A newer question of an engine takes the place of one that still waits. @throws PROTOCOL for one that is too large */
  askKernels({ link: asker }: Connection, probe: ProbeMessage): void {
    this.#check(probe);
    const others = this.#waiting.filter((asked) => asked.asker !== asker);
    this.#waiting = [...others, { asker, probe, sinceMs: this.#clock() }];
    this.look();
  }

  onProbed(message: Extract<FromCompute, { type: 'probed' }>): void {
    const asker = this.#end();
    if (asker) send(asker, message);
    this.look();
  }

  onFailed(failure: Extract<FromWorker, { type: 'failed' }>): void {
    const asker = this.#end();
    if (asker) send(asker, failure);
    this.look();
  }

  /** The engine has left. */
  leave(link: Link): void {
    this.#waiting = this.#waiting.filter(({ asker }) => asker !== link);
  }

  /** Starts the next measurement if it may. Call it now and then while some wait. */
  look(): void {
    const nowMs = this.#clock();
    const next = this.#running ? undefined : this.#waiting.find((asked) => this.#mayStart(asked, nowMs));
    if (!next) return;
    this.#waiting = this.#waiting.filter((asked) => asked !== next);
    this.#running = { ...next, startMs: nowMs };
    this.#compute.post({ type: 'probe', probe: next.probe });
  }

  async measureLink(
    { engine, link }: Connection,
    { probe, worker, frames }: Extract<ToWorker, { type: 'probeLink' }>,
  ): Promise<void> {
    if (this.#measuring.has(link)) return link.close(new KvrError('PROTOCOL', 'two links measured at once'));
    this.#measuring.add(link);
    try {
      send(link, { type: 'probedLink', probe, ...(await this.#peers.measure({ engine, worker }, frames)) });
    } catch (error) {
      sendFailure(link, error, { phase: 'connect' });
    } finally {
      this.#measuring.delete(link);
    }
  }

  #mayStart({ asker, sinceMs }: Asked, nowMs: number): boolean {
    if (nowMs - this.#requests.otherActiveMs(asker) > QUIET_MS) return true;
    return nowMs - sinceMs > PATIENCE_MS && nowMs >= this.#nextBusyMs;
  }

  #end(): Link | undefined {
    const ended = this.#running;
    this.#running = undefined;
    const nowMs = this.#clock();
    if (ended) this.#nextBusyMs = nowMs + BUSY_PARTS * (nowMs - ended.startMs);
    return ended?.asker;
  }

  #check({ blockTokens, attention }: ProbeMessage): void {
    const most = Math.max(...blockTokens, ...attention.map(({ tokens }) => tokens));
    const scores = attention.reduce((sum, call) => sum + call.tokens * (call.tokens + call.prefixTokens), 0);
    if (most > this.#chunkTokens)
      throw new KvrError('PROTOCOL', `measures calls of ${most} rows, a chunk has ${this.#chunkTokens}`);
    const prefix = Math.max(0, ...attention.map(({ prefixTokens }) => prefixTokens));
    if (prefix > MAX_PREFIX_TOKENS)
      throw new KvrError('PROTOCOL', `measures after ${prefix} tokens, limit ${MAX_PREFIX_TOKENS}`);
    if (scores > MAX_SCORES)
      throw new KvrError('PROTOCOL', `measures attention of ${scores} scores, limit ${MAX_SCORES}`);
  }
}
