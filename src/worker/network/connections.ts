/**
 * Who is connected to a worker: engines and peers, each under the name it gave, and those that have not greeted yet.
 * Their frames go to the owner of the list.
 */
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
};

export type ConnectionEvents = {
  readonly onFrame: (connection: Connection, frame: Frame) => void;
  /** The connection has been removed from the list. */
  readonly onClose: (connection: Connection, error: Error | undefined) => void;
};

export class Connections {
  readonly #own: string;
  readonly #events: ConnectionEvents;
  readonly #all = new Set<Connection>();
  #adopted = 0;

  /** @param own what this worker is called until an engine gives it another name */
  constructor(own: string, events: ConnectionEvents) {
    this.#own = own;
    this.#events = events;
  }

  /** Takes on a connection, whoever dialled. */
  adopt(open: OpenLink): Connection {
    const link = open({
      onFrame: (frame) => this.#events.onFrame(connection, frame),
      onClose: (error) => {
        this.#all.delete(connection);
        this.#events.onClose(connection, error);
      },
    });
    const number = this.#adopted++;
    const connection: Connection = {
      ...{ role: 'unknown', worker: '', engine: '' },
      ...{ own: this.#own, number, link },
    };
    this.#all.add(connection);
    return connection;
  }

  engineLink(engine: string): Link | undefined {
    return [...this.#all].find(({ role, worker }) => role === 'engine' && worker === engine)?.link;
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
