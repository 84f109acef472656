/**
 * The handshake in both directions: a caller says who it is and learns which model is open; and when an engine asks for it,
 * this worker dials other workers and waits for their answer.
 */
import { MAX_RANKS } from '../../core/partition.js';
import { asKvrError, KvrError } from '../../core/errors.js';
import type { Address } from '../../link/address.js';
import { controlFrame } from '../../link/frame.js';
import type { TransportOf } from '../../link/open-transport.js';
import type { Connections } from './connections.js';
import { checkClaim } from './door/checked-claim.js';
import type { Connection } from './door/connection.js';
import { Dials, type PeerAddress } from './dials.js';
import type { ModelStatus } from './model-status.js';
import type { Peers } from './peers.js';
import type { ToWorker } from '../protocol/index.js';
import { send, sendFailure } from './send.js';

export class Handshake {
  readonly #connections: Connections;
  readonly #peers: Peers;
  readonly #modelStatus: ModelStatus;
  readonly #transportOf: TransportOf;
  readonly #dials = new Dials();

  constructor(connections: Connections, peers: Peers, modelStatus: ModelStatus, transportOf: TransportOf) {
    this.#transportOf = transportOf;
    this.#connections = connections;
    this.#peers = peers;
    this.#modelStatus = modelStatus;
  }

  /** A caller says who it is. @throws PROTOCOL where that can not be */
  receive(connection: Connection, hello: Extract<ToWorker, { type: 'hello' }>): void {
    const { role, worker, as, engine } = hello;
    if (connection.role !== 'unknown') throw new KvrError('PROTOCOL', 'a second hello over one connection');
    checkClaim(connection, hello, this.#connections.all);
    // The engine says hello to every worker before it links them.
    if (role === 'peer' && this.#connections.engineLinks(engine).length === 0)
      throw new KvrError('PROTOCOL', 'a link between workers for an engine that is not connected here');
    if (role === 'peer' && this.#connections.peersOf(engine).length >= MAX_RANKS)
      throw new KvrError('PROTOCOL', `more than ${MAX_RANKS} links for one engine`);
    if (role === 'engine' && !this.#hasRoomFor(connection)) return;
    connection.role = role;
    connection.worker = worker;
    connection.engine = role === 'engine' ? worker : engine;
    if (as !== undefined) connection.own = as;
    if (role === 'peer') this.#peers.add(connection, connection.link);
    this.#modelStatus.sendTo(connection.link);
  }

  /** Opens a link to every named worker that none leads to, and waits for its greeting, so that rows can flow both ways. */
  async connectPeers(engine: Connection, peers: readonly PeerAddress[]): Promise<void> {
    await Promise.all(peers.map((peer) => this.#answerConnect(engine, peer)));
  }

  async #answerConnect(engine: Connection, { worker, address }: PeerAddress): Promise<void> {
    try {
      if (!this.#peers.isGreeted({ engine: engine.engine, worker })) {
        const linked = this.#connections.peersOf(engine.engine).length;
        const dial = (to: Address): Promise<void> => this.#connectPeer(engine, worker, to);
        await this.#dials.open(engine, { worker, address }, linked, dial);
      }
      send(engine.link, { type: 'connected', worker });
    } catch (error) {
      const { code, message } = asKvrError(error);
      send(engine.link, { type: 'connectFailed', worker, code, message });
    }
  }

  /** The engine has left. */
  leave(engine: Connection): void {
    this.#dials.leave(engine);
  }

  /** Tells a caller for whom there is no room, and closes its connection. */
  #hasRoomFor({ link }: Connection): boolean {
    try {
      this.#connections.makeRoomForEngine();
      return true;
    } catch (error) {
      sendFailure(link, error, { phase: 'connect' });
      link.close();
      return false;
    }
  }

  async #connectPeer({ engine, own, link: to }: Connection, worker: string, address: Address): Promise<void> {
    const peer = this.#connections.adopt(await this.#transportOf(address).dial(address));
    // Until it is heard for the first time, the limit is that of its greeting.
    Object.assign(peer, { role: 'peer', worker, engine, own, lastHeardMs: Infinity });
    this.#peers.add(peer, peer.link);
    peer.link.send(controlFrame({ type: 'hello', role: 'peer', worker: own, engine } satisfies ToWorker));
    await this.#peers.greeted(worker, peer.link);
    // The engine may have left meanwhile; nobody else would ever close its links.
    if (to.isClosed) peer.link.close();
  }
}
