/**
 * The handshake in both directions: a caller says who it is and learns which model is open; and when an engine asks for it,
 * this worker dials other workers and waits for their answer.
 */
import { KvrError } from '../../core/errors.js';
import { type Address, parseAddress } from '../../link/address.js';
import { controlFrame } from '../../link/frame.js';
import { transportOf } from '../../link/open-transport.js';
import type { Connection, Connections } from './connections.js';
import type { ModelStatus } from './model-status.js';
import type { Peers } from './peers.js';
import type { ToWorker } from '../protocol/index.js';
import { send, sendFailure } from './send.js';

/** Another worker of the engine's chain, and where it listens. */
type PeerAddress = { readonly worker: string; readonly address: string };

export class Handshake {
  readonly #connections: Connections;
  readonly #peers: Peers;
  readonly #modelStatus: ModelStatus;

  constructor(connections: Connections, peers: Peers, modelStatus: ModelStatus) {
    this.#connections = connections;
    this.#peers = peers;
    this.#modelStatus = modelStatus;
  }

  /** A caller says who it is. @throws PROTOCOL where that can not be */
  receive(connection: Connection, hello: Extract<ToWorker, { type: 'hello' }>): void {
    const { role, worker, as, engine } = hello;
    if (connection.role !== 'unknown') throw new KvrError('PROTOCOL', 'a second hello over one connection');
    // The engine says hello to every worker before it links them.
    if (role === 'peer' && this.#connections.engineLinks(engine).length === 0)
      throw new KvrError('PROTOCOL', 'a link between workers for an engine that is not connected here');
    connection.role = role;
    connection.worker = worker;
    connection.engine = role === 'engine' ? worker : engine;
    if (as !== undefined) connection.own = as;
    if (role === 'peer') this.#peers.add(connection, connection.link);
    this.#modelStatus.sendTo(connection.link);
  }

  /** Opens a link to every named worker that none leads to, and waits for its greeting, so that rows can flow both ways. */
  async connectPeers(engine: Connection, peers: readonly PeerAddress[]): Promise<void> {
    try {
      const missing = peers.filter(({ worker }) => !this.#peers.isLinked({ engine: engine.engine, worker }));
      const dials = missing.map(({ worker, address }) => ({ worker, address: parseAddress(address) }));
      await Promise.all(dials.map(({ worker, address }) => this.#connectPeer(engine, worker, address)));
      send(engine.link, { type: 'connected' });
    } catch (error) {
      sendFailure(engine.link, error, { phase: 'connect' });
    }
  }

  async #connectPeer({ engine, own, link: to }: Connection, worker: string, address: Address): Promise<void> {
    const peer = this.#connections.adopt(await transportOf(address).dial(address));
    // Until it is heard for the first time, the limit is that of its greeting.
    Object.assign(peer, { role: 'peer', worker, engine, own, lastHeardMs: Infinity });
    this.#peers.add(peer, peer.link);
    peer.link.send(controlFrame({ type: 'hello', role: 'peer', worker: own, engine } satisfies ToWorker));
    await this.#peers.greeted(worker, peer.link);
    // The engine may have left meanwhile; nobody else would ever close its links.
    if (to.isClosed) peer.link.close();
  }
}
