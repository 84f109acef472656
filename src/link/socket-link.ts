/**
 * A link over a connected socket: unix, TCP or TLS. Knows frames, not what they mean.
 */
import type { Socket } from 'node:net';
import { KvrError } from '../core/errors.js';
import { FrameDecoder } from './frame-decoder.js';
import { encodeHead, type Frame } from './frame.js';
import type { Link, LinkHandlers } from './link.js';

/** After so long without traffic the system asks the other machine whether it is still there. */
const KEEP_ALIVE_MS = 10_000;

export class SocketLink implements Link {
  readonly #socket: Socket;
  readonly peerIdentity: string | undefined;
  readonly #handlers: LinkHandlers;
  readonly #isChecksummed: boolean;
  readonly #decoder: FrameDecoder;
  #error: Error | undefined;
  #isClosed = false;
  #isEnding = false;

  /**
   * @param isChecksummed whether frames have checksums, in both directions; both ends know it by the address
   * @param peerIdentity what the other end has proved, where it has
   */
  constructor(socket: Socket, handlers: LinkHandlers, isChecksummed: boolean, peerIdentity?: string) {
    this.#socket = socket;
    this.peerIdentity = peerIdentity;
    this.#handlers = handlers;
    this.#isChecksummed = isChecksummed;
    this.#decoder = new FrameDecoder(isChecksummed, handlers.onFrameHead);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) =>
      this.#fail(new KvrError('LINK', `link broke: ${error.message}`, {}, error)),
    );
    socket.on('close', () => this.#finish());
  }

  send(frame: Frame, onSent?: () => void): void {
    if (this.#isClosed || this.#isEnding) {
      // Whoever counts bytes in flight must hear of these too; that they are lost, onClose tells.
      if (onSent) queueMicrotask(onSent);
      return;
    }
    const head = encodeHead(frame, this.#isChecksummed);
    this.#socket.cork();
    const done = onSent && ((): void => onSent());
    if (frame.payload.byteLength === 0) {
      this.#socket.write(head, done);
    } else {
      this.#socket.write(head);
      this.#socket.write(frame.payload, done);
    }
    this.#socket.uncork();
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(error?: Error): void {
    if (this.#isClosed || this.#isEnding) return;
    if (error) return this.#fail(error);
    this.#isEnding = true;
    this.#socket.end();
    // A peer that never answers the end would hold the descriptor; what was written is in the system's hands by then.
    this.#socket.once('finish', () => this.#socket.destroy());
  }

  get isPaused(): boolean {
    return this.#socket.isPaused();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #read(chunk: Uint8Array): void {
    this.#handlers.onHeard?.();
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if (this.#error) return;
        this.#handlers.onFrame(frame);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const torn = this.#decoder.isTorn
      ? new KvrError('LINK', 'link ended in the middle of a frame')
      : undefined;
    const gone = this.#isEnding ? undefined : new KvrError('LINK', 'link was closed by the peer');
    this.#handlers.onClose(this.#error ?? (this.#isEnding ? undefined : (torn ?? gone)));
  }
}
