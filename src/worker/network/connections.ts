/**
 * Who is connected to a worker: engines and peers, each under the name it gave, and those that have not greeted yet.
 * Their frames go to the owner of the list.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import type { Frame } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { OpenLink } from '../../link/transport.js';
import { KvrError } from '../../core/errors.js';
import type { FrameHeader } from '../../link/frame.js';
import type { FromWorker } from '../protocol/index.js';
import type { Connection } from './door/connection.js';
import { checkHello, engineToClose, isFull, strangerToClose } from './door/caller-limits.js';
import { MemoryBudget } from './door/memory-budget.js';
import { send } from './send.js';

export type ConnectionEvents = {
  readonly onFrame: (connection: Connection, frame: Frame) => void;
  /** The connection has been removed from the list. */
  readonly onClose: (connection: Connection, error: Error | undefined) => void;
};

export class Connections {
  readonly budget = new MemoryBudget();
  readonly #own: string;
  readonly #events: ConnectionEvents;
  readonly #clock: Clock;
  readonly #all = new Set<Connection>();
  #adopted = 0;

  /** @param own what this worker is called until an engine gives it another name */
  constructor(own: string, events: ConnectionEvents, clock: Clock = wallClock) {
    this.#own = own;
    this.#events = events;
    this.#clock = clock;
  }

  get all(): ReadonlySet<Connection> {
    return this.#all;
  }

  /** Takes on a caller, for whom another may have to go. */
  admit(open: OpenLink, host: string | undefined): void {
    if (isFull(this.#all, host)) return refuse(open);
    this.adopt(open, host);
    this.#sendAway(strangerToClose(this.#all, host), 'too many connections without a hello');
  }

  /** For want of descriptors: one that has said nothing for longest goes. */
  closeOldestStranger(): void {
    const oldest = [...this.#all].find(({ role }) => role === 'unknown');
    this.#sendAway(oldest, 'no descriptor is left for a connection without a hello');
  }

  /** Makes room for one more engine. @throws WORKER_REFUSED */
  makeRoomForEngine(): void {
    this.#sendAway(engineToClose(this.#all, this.#clock()), 'silent, and another engine needs its place');
  }

  /** Takes on a connection, whoever dialled. @param host the other machine, where it is not one that this worker was told of by an engine */
  adopt(open: OpenLink, host?: string): Connection {
    const link = open({
      onFrameHead: (header) => this.#beginFrame(connection, header),
      onFrame: (frame) => {
        this.budget.free(link, connection.unfinishedBytes);
        this.#events.onFrame(connection, frame);
      },
      onHeard: () => (connection.lastHeardMs = this.#clock()),
      onClose: (error) => {
        this.#all.delete(connection);
        this.budget.leave(link);
        this.#events.onClose(connection, error);
      },
    });
    const openedMs = this.#clock();
    const connection: Connection = {
      ...{ role: 'unknown', worker: '', engine: '', own: this.#own },
      ...{ number: this.#adopted++, link, host, openedMs, lastHeardMs: openedMs },
      ...{ unfinishedBytes: 0, hasVocabulary: false },
    };
    this.#all.add(connection);
    return connection;
  }

  /** Whether the system has taken all that was handed over. */
  get areSent(): boolean {
    return [...this.#all].every(({ link }) => link.bufferedBytes === 0);
  }

  /** The links of an engine: a second one where it came again before the end of the first was noticed. */
  engineLinks(engine: string): Link[] {
    const own = [...this.#all].filter(({ role, worker }) => role === 'engine' && worker === engine);
    return own.map(({ link }) => link);
  }

  /** Tells everyone who has greeted. */
  sendToGreeted(message: FromWorker): void {
    for (const { role, link } of this.#all) if (role !== 'unknown') send(link, message);
  }

  sendToEngines(message: FromWorker): void {
    for (const { role, link } of this.#all) if (role === 'engine') send(link, message);
  }

  /** Links between workers belong to one engine and close with it; the next engine opens its own. */
  closePeersOf(engine: string): void {
    for (const link of this.peersOf(engine)) link.close();
  }

  peersOf(engine: string): Link[] {
    const own = [...this.#all].filter((each) => each.role === 'peer' && each.engine === engine);
    return own.map(({ link }) => link);
  }

  closeAll(): void {
    for (const { link } of this.#all) link.close();
  }

  /** Its place is free at once, though its link takes a moment to end. */
  #sendAway(connection: Connection | undefined, reason: string): void {
    if (!connection) return;
    this.#all.delete(connection);
    connection.link.close(new KvrError('LINK', reason));
  }

  #beginFrame(connection: Connection, header: FrameHeader): void {
    if (connection.role === 'unknown') checkHello(header);
    connection.unfinishedBytes = header.metaBytes + header.payloadBytes;
    this.budget.hold(connection, connection.unfinishedBytes);
  }
}

function refuse(open: OpenLink): void {
  const link = open({ onFrame: () => undefined, onClose: () => undefined });
  link.close(new KvrError('LINK', 'as many connections as this worker takes'));
}
