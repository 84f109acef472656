/**
 * Links that an engine has this worker open to others: a few at a time for each engine, one at a time for each pair, and only to
 * addresses that are the engine's business. Opening the link itself is handshake.ts's.
 */
import { MAX_RANKS } from '../../core/partition.js';
import { KvrError } from '../../core/errors.js';
import { type Address, formatAddress, isLoopback, parseAddress } from '../../link/address.js';
import type { Connection } from './door/connection.js';

/** Of one engine at a time. */
export const MAX_DIALS = 16;

/** Another worker of the engine's chain, and where it listens. */
export type PeerAddress = { readonly worker: string; readonly address: string };

type Dial = (address: Address) => Promise<void>;

export class Dials {
  /** Under way or waiting, by the engine's connection and the worker's name. */
  readonly #open = new Map<Connection, Map<string, Promise<void>>>();
  readonly #running = new Map<Connection, number>();
  readonly #queues = new Map<Connection, (() => void)[]>();

  /**
   * Settles when the worker is linked. @param linked how many links of the engine stand
   * @throws BAD_INPUT for an address, WORKER_REFUSED for too many, and what `dial` throws
   */
  async open(
    engine: Connection,
    { worker, address }: PeerAddress,
    linked: number,
    dial: Dial,
  ): Promise<void> {
    const open = this.#open.get(engine) ?? new Map<string, Promise<void>>();
    this.#open.set(engine, open);
    const before = open.get(worker);
    if (before) return before;
    const target = allowed(engine, address);
    const links = linked + open.size + 1;
    if (links > MAX_RANKS)
      throw new KvrError('WORKER_REFUSED', `${links} links of one engine, limit ${MAX_RANKS}`);
    const started = this.#inTurn(engine, () => dial(target)).finally(() => open.delete(worker));
    open.set(worker, started);
    await started;
  }

  /** The engine has left: what waits fails when its turn comes. */
  leave(engine: Connection): void {
    this.#open.delete(engine);
  }

  async #inTurn(engine: Connection, act: () => Promise<void>): Promise<void> {
    const running = this.#running.get(engine) ?? 0;
    if (running >= MAX_DIALS) await this.#turn(engine);
    else this.#running.set(engine, running + 1);
    try {
      if (engine.link.isClosed) throw new KvrError('LINK', 'the engine has left');
      await act();
    } finally {
      this.#pass(engine);
    }
  }

  #turn(engine: Connection): Promise<void> {
    const queue = this.#queues.get(engine) ?? [];
    this.#queues.set(engine, queue);
    return new Promise((resolve) => queue.push(resolve));
  }

  /** The next in the queue takes the place over. */
  #pass(engine: Connection): void {
    const next = this.#queues.get(engine)?.shift();
    if (next) return next();
    const running = (this.#running.get(engine) ?? 1) - 1;
    if (running > 0) return void this.#running.set(engine, running);
    this.#running.delete(engine);
    this.#queues.delete(engine);
  }
}

/** @throws BAD_INPUT for what is no address, or one that only this machine's own engines may have dialled */
function allowed({ host }: Connection, text: string): Address {
  const address = parseAddress(text);
  const isPrivate = address.kind === 'unix' || isLoopback(address.host);
  if (!isPrivate || host === undefined) return address;
  if (address.kind === 'tcp' && isLoopback(host.replace(/^::ffff:/, ''))) return address;
  throw new KvrError(
    'BAD_INPUT',
    `${formatAddress(address)} is an address that means another machine on every machine; name workers by one that all reach`,
  );
}
