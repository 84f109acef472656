/**
 * The connection of a process to its room at NATS: made again whenever it ends, for as long as it takes. Nothing is kept at NATS and
 * nothing is queued for it while it is away: whoever is there says so again. Loads the client when the first room is opened.
 */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { firstLine, KvrError } from '../../core/errors.js';
import { retryWaitMs } from '../../link/reach/retry-wait.js';
import { type RoomAddress, serverLogin, shownRoom } from './room-address.js';

/** To answer a connection that begins. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that answers nothing is given up after two of these. */
const PING_MS = 5_000;
const RECONNECT_MS = 250;
/** For what was said last to be taken by the server, when the connection closes. */
const FLUSH_MS = 500;
/** Of a file of credentials: a token of a few kilobytes and a seed. */
const MAX_CREDENTIALS_BYTES = 64 << 10;

export type RoomLinkOptions = {
  readonly room: RoomAddress;
  /** What is heard: the last words of subjects, of which '*' stands for any. */
  readonly hears: readonly string[];
  readonly onMessage: (bytes: Uint8Array) => void;
  /** It stands, for the first time or again; who announces himself does so now. */
  readonly onUp: () => void;
  /** Gets a line where the room is found, lost, or not found for another reason than before. */
  readonly tell: (words: string) => void;
};

export class RoomLink {
  readonly #options: RoomLinkOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #current: NatsConnection | undefined;
  #isUp = false;
  #told = '';
  #tried: () => void = () => undefined;
  /** Settles when the room was found, or could not be found, for the first time. */
  readonly tried = new Promise<void>((resolve) => (this.#tried = resolve));

  constructor(options: RoomLinkOptions) {
    this.#options = options;
    this.#running = this.#keepConnected();
  }

  /** False while nobody can be heard. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** How it stands, in a line. */
  get told(): string {
    return this.#told;
  }

  /** This machine's address as the NATS server sees it; undefined where it is none of this machine's, or of no use to others. */
  get seenHost(): string | undefined {
    const seen = this.#current?.info?.client_ip?.replace(/^::ffff:/, '');
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    return own.find(({ address, internal }) => address === seen && !internal)?.address;
  }

  /** Says it to whoever listens now. @param words the last words of the subject */
  say(words: string, document: unknown): void {
    if (this.#isUp) this.#current?.publish(this.#subject(words), JSON.stringify(document));
  }

  /** Settles when what was said has been handed over and the connection is closed. Twice is harmless. */
  async close(): Promise<void> {
    this.#closing.abort();
    const connection = this.#current;
    // What is under way goes out first, where there is somebody to take it.
    if (this.#isUp) await Promise.race([connection?.flush().catch(() => undefined), pause(FLUSH_MS)]);
    await connection?.close();
    await this.#running;
  }

  #subject(words: string): string {
    return `kvr.${this.#options.room.name}.${words}`;
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const connection = await connectTo(this.#options.room);
        failures = 0;
        await this.#serve(connection);
      } catch (error) {
        if (!signal.aborted) this.#tell(`${notFound(this.#options.room, error)}; tries again`);
      }
      this.#tried();
      await pause(retryWaitMs(Math.max(1, failures)), undefined, { signal }).catch(() => undefined);
    }
    this.#tried();
  }

  /** Settles when the connection has ended for good; the client itself connects again after a shorter absence. */
  async #serve(connection: NatsConnection): Promise<void> {
    this.#current = connection;
    if (this.#closing.signal.aborted) return connection.close();
    const callback = (error: Error | null, { data }: { data: Uint8Array }): void => {
      if (!error) this.#options.onMessage(data);
    };
    for (const words of this.#options.hears) connection.subscribe(this.#subject(words), { callback });
    this.#up();
    for await (const event of connection.status()) {
      if (event.type === 'disconnect') this.#down();
      if (event.type === 'reconnect') this.#up();
      if (event.type === 'error')
        this.#tell(`${shownRoom(this.#options.room)} says: ${firstLine(event.error.message)}`);
    }
    const error = await connection.closed();
    this.#down();
    if (error) throw error;
  }

  #up(): void {
    this.#isUp = true;
    this.#tell(`in ${shownRoom(this.#options.room)}`);
    this.#tried();
    this.#options.onUp();
  }

  #down(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    if (!this.#closing.signal.aborted)
      this.#tell(
        `${shownRoom(this.#options.room)} is gone; links between machines stand, and it is tried again`,
      );
  }

  /** One line for a reason, however often it is met. */
  #tell(words: string): void {
    if (words !== this.#told) this.#options.tell(words);
    this.#told = words;
  }
}

async function connectTo(room: RoomAddress): Promise<NatsConnection> {
  const { connect, credsAuthenticator } = await import('@nats-io/transport-node');
  const { servers, isTls, user, password, token } = serverLogin(room.servers);
  const options: ConnectionOptions = {
    ...{ servers, name: `kv-runahead ${room.name}`, timeout: CONNECT_TIMEOUT_MS },
    ...{ pingInterval: PING_MS, maxPingOut: 2, maxReconnectAttempts: -1, reconnectTimeWait: RECONNECT_MS },
    ...(isTls && { tls: {} }),
    ...(user !== undefined && { user, pass: password ?? '' }),
    ...(token !== undefined && { token }),
  };
  const { credentialsFile } = room;
  if (credentialsFile === undefined) return connect(options);
  return connect({ ...options, authenticator: credsAuthenticator(await readCredentials(credentialsFile)) });
}

async function readCredentials(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  if (bytes.byteLength <= MAX_CREDENTIALS_BYTES) return bytes;
  throw new KvrError(
    'BAD_INPUT',
    `${path} has ${bytes.byteLength} bytes, credentials have at most ${MAX_CREDENTIALS_BYTES}`,
  );
}

function notFound(room: RoomAddress, error: unknown): string {
  const why = error instanceof Error ? firstLine(error.message) : String(error);
  return `no connection to ${shownRoom(room)}: ${why}`;
}
