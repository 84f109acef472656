/**
 * Keeps a worker joined to an engine: dials it, says who it is, and dials again, for as long as it takes, when the link ends. The
 * rest of the worker sees a connection like any other. Called by worker-node.ts.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { asKvrError, KvrError, type KvrErrorCode } from '../../../core/errors.js';
import { type Address, formatAddress } from '../../../link/address.js';
import { retryWaitMs } from '../../../link/reach/retry-wait.js';
import { controlFrame } from '../../../link/frame.js';
import type { OpenLink, Transport } from '../../../link/transport.js';
import type { Connection } from '../door/connection.js';
import type { JoinMessage, ToWorker } from '../../protocol/index.js';

export type JoiningOptions = {
  /** The engine's. */
  readonly address: Address;
  readonly name: string;
  readonly transport: Pick<Transport, 'dial'>;
  /** Takes the link on as a connection of this worker. */
  readonly adopt: (open: OpenLink) => Connection;
  /** Gets a line whenever it is taken, and whenever the reason changes why it is not. */
  readonly tell: (words: string) => void;
  /** The engine has no use for this worker as it is: to dial again would change nothing. */
  readonly onRefused: (error: KvrError) => void;
};

export class Joining {
  readonly #options: JoiningOptions;
  readonly #stopped = new AbortController();
  /** One for the life of the process, so that the engine knows it again. */
  readonly #process = randomUUID();
  #current:
    { readonly connection: Connection; readonly onEnd: (error: Error | undefined) => void } | undefined;
  #told = '';

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  /** @param listen where other workers may dial this one, if they may */
  start(listen: JoinMessage['listen']): void {
    void this.#keepJoined(listen);
  }

  /** Dials no more; a link that stands is left alone. Twice is harmless. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Whether this worker dialled the connection to join. */
  owns(connection: Connection): boolean {
    return this.#current?.connection === connection;
  }

  /** The engine has greeted. */
  onGreeted({ own }: Connection): void {
    this.#tell(`joined ${formatAddress(this.#options.address)} as ${own}`);
  }

  onRefused(connection: Connection, { code, message }: Extract<ToWorker, { type: 'refused' }>): void {
    if (!this.owns(connection)) return;
    const where = formatAddress(this.#options.address);
    this.#options.onRefused(
      new KvrError(code as KvrErrorCode, `${where} does not take this worker: ${message}`),
    );
  }

  /** A connection of the worker has ended; it may be another's. */
  onClosed(connection: Connection, error: Error | undefined): void {
    if (this.owns(connection)) this.#current?.onEnd(error);
  }

  async #keepJoined(listen: JoinMessage['listen']): Promise<void> {
    const { signal } = this.#stopped;
    for (let failures = 0; !signal.aborted;) {
      const hadJoined = await this.#joinOnce(listen);
      failures = hadJoined ? 1 : failures + 1;
      await pause(retryWaitMs(failures), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Settles when the link has ended. @returns whether the engine took the worker */
  async #joinOnce(listen: JoinMessage['listen']): Promise<boolean> {
    const { address, transport, adopt, name } = this.#options;
    try {
      const connection = adopt(await transport.dial(address, this.#stopped.signal));
      const ended = new Promise<Error | undefined>((onEnd) => (this.#current = { connection, onEnd }));
      const join: JoinMessage = { type: 'join', name, process: this.#process, ...(listen && { listen }) };
      connection.link.send(controlFrame(join));
      const error = await ended;
      if (!this.#stopped.signal.aborted) this.#tell(lostWords(address, error));
      return connection.role === 'engine';
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#tell(`${asKvrError(error).message}; dials again`);
      return false;
    } finally {
      this.#current = undefined;
    }
  }

  /** One line for a reason, however often it is met. */
  #tell(words: string): void {
    if (words !== this.#told) this.#options.tell(words);
    this.#told = words;
  }
}

function lostWords(address: Address, error: Error | undefined): string {
  return `the link to ${formatAddress(address)} has ended (${error?.message ?? 'closed'}); dials again`;
}
