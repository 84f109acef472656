/**
 * The link of a caller from its first byte on: while the two prove themselves to each other, and after. It can be closed all
 * the time, so that whoever keeps the door (worker/network/door) counts and ends a handshake like any other stranger. Nothing is
 * sent to a caller before he has proved himself.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { KvrError } from '../core/errors.js';
import type { Frame } from './frame.js';
import type { Link, LinkHandlers } from './link.js';
import { SocketLink } from './socket-link.js';

/** The digest of the certificate that the other end proved to own: SHA-256, as hexadecimal digits between colons. */
export function identityOf(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.fingerprint256;
}

type Unsent = { readonly frame: Frame; readonly onSent: (() => void) | undefined };

export class TlsCaller implements Link {
  readonly #socket: Socket;
  readonly #handlers: LinkHandlers;
  /** Handed over before the handshake was done; a door sends nothing to strangers, so that these are few. */
  #unsent: Unsent[] = [];
  #proved: SocketLink | undefined;
  #error: Error | undefined;
  #isEnding = false;
  #isPaused = false;
  #isClosed = false;

  /** @param socket of the connection; TLS is put on it by the transport */
  constructor(socket: Socket, handlers: LinkHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.once('close', () => this.#finish());
  }

  /** The caller has proved himself. */
  prove(secured: TLSSocket): void {
    if (this.#error || this.#isClosed) return void secured.destroy();
    const onClose = (error?: Error): void => {
      this.#isClosed = true;
      this.#handlers.onClose(error);
    };
    this.#proved = new SocketLink(secured, { ...this.#handlers, onClose }, false, identityOf(secured));
    if (this.#isPaused) this.#proved.pause();
    for (const { frame, onSent } of this.#unsent.splice(0)) this.#proved.send(frame, onSent);
    if (this.#isEnding) this.#proved.close();
  }

  /** The handshake has failed. A caller that left without a byte, as a probe of the port does, was not refused. */
  refuse(error: Error): void {
    if (!this.#isSilent) return this.#end(error);
    this.#socket.destroy();
  }

  get #isSilent(): boolean {
    return this.#socket.bytesRead === 0;
  }

  get peerIdentity(): string | undefined {
    return this.#proved?.peerIdentity;
  }

  send(frame: Frame, onSent?: () => void): void {
    if (this.#proved) return this.#proved.send(frame, onSent);
    if (!this.#isClosed && !this.#isEnding) this.#unsent.push({ frame, onSent });
    else if (onSent) queueMicrotask(onSent);
  }

  get bufferedBytes(): number {
    return this.#proved?.bufferedBytes ?? 0;
  }

  pause(): void {
    this.#isPaused = true;
    this.#proved?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#proved?.resume();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  close(error?: Error): void {
    if (this.#proved) return this.#proved.close(error);
    this.#isEnding = true;
    if (error) this.#end(error);
    else if (this.#unsent.length === 0) this.#socket.destroy();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #end(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** Before the handshake was done: after that the proved link says when it ends. */
  #finish(): void {
    if (this.#proved || this.#isClosed) return;
    this.#isClosed = true;
    for (const { onSent } of this.#unsent.splice(0)) onSent?.();
    const message = 'no proof of the cluster key before the connection ended';
    const gone = new KvrError('LINK', message, { refusal: 'handshake' });
    this.#handlers.onClose(this.#error ?? (this.#isEnding || this.#isSilent ? undefined : gone));
  }
}
