/**
 * The handshake in both directions: a caller says who it is and learns which model is open; and when an engine asks for it,
 * this worker dials other workers and waits for their answer.
 */
import { asKvrError } from '../../core/errors.js';
import { type Address, parseAddress } from '../../link/address.js';
import { controlFrame } from '../../link/frame.js';
import { transportOf } from '../../link/open-transport.js';
import type { Connection, Connections } from './connections.js';
import type { ModelStatus } from './model-status.js';
import type { Peers } from './peers.js';
import type { ToWorker } from '../protocol/index.js';
import { send } from './send.js';

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

  /** A caller says who it is. */
  receive(connection: Connection, hello: Extract<ToWorker, { type: 'hello' }>): void {
    const { role, worker, as, engine } = hello;
    connection.role = role;
    connection.worker = worker;
    connection.engine = role === 'engine' ? worker : engine;
    if (as !== undefined) connection.own = as;
    if (role === 'peer') this.#peers.add(connection, connection.link);
    this.#modelStatus.sendTo(connection.link);
  }

  /** Opens a link to every named worker and waits for its greeting, so that rows can flow both ways. */
  async connectPeers(engine: Connection, peers: readonly PeerAddress[]): Promise<void> {
    await Promise.all(peers.map((peer) => this.#answerConnect(engine, peer)));
  }

  async #answerConnect(engine: Connection, { worker, address }: PeerAddress): Promise<void> {
    try {
      if (!this.#peers.has({ engine: engine.engine, worker }))
        await this.#connectPeer(engine, worker, parseAddress(address));
      send(engine.link, { type: 'connected', worker });
    } catch (error) {
      const { code, message } = asKvrError(error);
      send(engine.link, { type: 'connectFailed', worker, code, message });
    }
  }

  async #connectPeer({ engine, own, link: to }: Connection, worker: string, address: Address): Promise<void> {
    const peer = this.#connections.adopt(await transportOf(address).dial(address));
    Object.assign(peer, { role: 'peer', worker, engine, own });
    this.#peers.add(peer, peer.link);
    peer.link.send(controlFrame({ type: 'hello', role: 'peer', worker: own, engine } satisfies ToWorker));
    await this.#peers.greeted(worker, peer.link);
    // The engine may have left meanwhile; nobody else would ever close its links.
    if (to.isClosed) peer.link.close();
  }
}
