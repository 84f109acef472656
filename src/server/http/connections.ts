/**
 * The connections of a server: bounded in all and for each address. Where the limit is reached, the connection that has
 * had no request for longest gives way to the newcomer, so that those who only hold connections open lock nobody out.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export type ConnectionLimits = {
  readonly total: number;
  /** Of one address, so that one client can not push out all others. */
  readonly perAddress: number;
};

/** What a connection is doing: nothing that is known of, sending a request, or waiting for its answer. */
type Phase = 'idle' | 'sending' | 'answered';
type Connection = { readonly socket: Socket; readonly address: string; phase: Phase };

export class Connections {
  readonly #limits: ConnectionLimits;
  /** Those longest in their phase first. */
  readonly #open = new Map<Socket, Connection>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Follows all connections of a server. */
  follow(http: Server): void {
    http.on('connection', (socket: Socket) => this.#enter(socket));
    http.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#move(request.socket, 'sending');
      request.once('end', () => this.#move(request.socket, 'answered'));
      response.once('close', () => this.#move(request.socket, 'idle'));
    });
  }

  get count(): number {
    return this.#open.size;
  }

  #enter(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const own = [...this.#open.values()].filter((one) => one.address === address);
    const { total, perAddress } = this.#limits;
    // Another's connection gives way only where this client does not have more than its share.
    if (own.length >= perAddress && !this.#giveWay(own)) return void socket.destroy();
    if (this.#open.size >= total && !this.#giveWay([...this.#open.values()])) return void socket.destroy();
    this.#open.set(socket, { socket, address, phase: 'idle' });
    socket.once('close', () => this.#open.delete(socket));
  }

  #move(socket: Socket, phase: Phase): void {
    const connection = this.#open.get(socket);
    // An answer may be over before its request was read to the end.
    if (!connection || (phase === 'answered' && connection.phase === 'idle')) return;
    connection.phase = phase;
    this.#open.delete(socket);
    this.#open.set(socket, connection);
  }

  /** The first that has no request, else the first whose request is still on its way. @returns whether there was one */
  #giveWay(connections: readonly Connection[]): boolean {
    const chosen =
      connections.find(({ phase }) => phase === 'idle') ??
      connections.find(({ phase }) => phase === 'sending');
    if (!chosen) return false;
    this.#open.delete(chosen.socket);
    chosen.socket.destroy();
    return true;
  }
}
