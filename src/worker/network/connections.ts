/**
 * Who is connected to a worker: engines and peers, each under the name it gave, and those that have not greeted yet.
 * Their frames go to the owner of the list.
 */
import { type Clock, wallClock } from '../../core/clock.js';
import type { Frame } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { OpenLink } from '../../link/transport.js';
import type { FromWorker } from '../protocol/index.js';
import { send } from './send.js';

export type Connection = {
  role: 'unknown' | 'engine' | 'peer';
  /** The name of whoever is at the other end. */
  worker: string;
  /** The engine at the other end, or the one that the link between two workers is for. */
  engine: string;
  /** What that engine calls this worker. */
  own: string;
  readonly number: number;
  readonly link: Link;
  readonly openedMs: number;
  /** When bytes last came. */
  lastHeardMs: number;
};

export type ConnectionEvents = {
  readonly onFrame: (connection: Connection, frame: Frame) => void;
  /** The connection has been removed from the list. */
  readonly onClose: (connection: Connection, error: Error | undefined) => void;
};

export class Connections {
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

  /** Takes on a connection, whoever dialled. */
  adopt(open: OpenLink): Connection {
    const link = open({
      onFrame: (frame) => this.#events.onFrame(connection, frame),
      onHeard: () => (connection.lastHeardMs = this.#clock()),
      onClose: (error) => {
        this.#all.delete(connection);
        this.#events.onClose(connection, error);
      },
    });
    const openedMs = this.#clock();
    const connection: Connection = {
      ...{ role: 'unknown', worker: '', engine: '', own: this.#own },
      ...{ number: this.#adopted++, link, openedMs, lastHeardMs: openedMs },
    };
    this.#all.add(connection);
    return connection;
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
    for (const { role, engine: owner, link } of [...this.#all]) {
      if (role === 'peer' && owner === engine) link.close();
    }
  }

  closeAll(): void {
    for (const { link } of this.#all) link.close();
  }
}
