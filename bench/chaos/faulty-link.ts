/**
 * A TCP proxy before one worker that does to its connections what networks do: cut them, freeze them, delay, truncate or damage what
 * they carry. Connections are in order of arrival: an engine that comes first has the first one.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What is held of a frozen or slow connection before its sender is paused. */
const MAX_HELD_BYTES = 1 << 20;

type Way = { readonly from: Socket; readonly to: Socket };
export type Connection = {
  readonly number: number;
  readonly ways: readonly [toWorker: Way, fromWorker: Way];
};
/** What becomes of a chunk: another one, or nothing more on this connection. */
export type Damage = (chunk: Buffer) => Buffer | 'end';

export class FaultyLink {
  readonly port: number;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #next = 0;
  #isFrozen = false;
  #delayMs = 0;
  #damage: ((connection: Connection) => Damage | undefined) | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param target the port on loopback at which the worker listens */
  static async start(target: number): Promise<FaultyLink> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const link = new FaultyLink(server, port);
    server.on('connection', (socket) => link.#take(socket, target));
    return link;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connections(): readonly Connection[] {
    return [...this.#connections];
  }

  /** Ends connections, as when a cable is pulled and the system notices. */
  cut(which: (connection: Connection) => boolean = () => true): void {
    for (const connection of this.connections) if (which(connection)) end(connection);
  }

  /** Nothing goes either way, and nobody is told. */
  freeze(): void {
    this.#isFrozen = true;
    for (const { ways } of this.#connections) for (const { from } of ways) from.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const { ways } of this.#connections) for (const { from } of ways) from.resume();
  }

  /** Everything arrives so much later, in order. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Called for every chunk, whichever way it goes. */
  damage(of: ((connection: Connection) => Damage | undefined) | undefined): void {
    this.#damage = of;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #take(client: Socket, port: number): void {
    const worker = connect(port, '127.0.0.1');
    const ways = [
      { from: client, to: worker },
      { from: worker, to: client },
    ] as const;
    const connection: Connection = { number: this.#next++, ways };
    this.#connections.add(connection);
    for (const way of ways) {
      way.from.on('error', () => end(connection));
      way.from.on('close', () => {
        this.#connections.delete(connection);
        way.to.destroySoon();
      });
      way.from.on('data', (chunk: Buffer) => this.#carry(connection, way, chunk));
      if (this.#isFrozen) way.from.pause();
    }
  }

  #carry(connection: Connection, { from, to }: Way, chunk: Buffer): void {
    const carried = this.#damage?.(connection)?.(chunk) ?? chunk;
    if (carried === 'end') return end(connection);
    const write = (): void => void to.write(carried);
    if (this.#delayMs > 0) setTimeout(write, this.#delayMs);
    else write();
    if (to.writableLength <= MAX_HELD_BYTES) return;
    from.pause();
    to.once('drain', () => this.#isFrozen || from.resume());
  }
}

function end({ ways }: Connection): void {
  for (const { from } of ways) from.destroy();
}
