/**
 * Two ends of a link inside one process, for tests and for engines without sockets. Frames arrive in order, on a
 * later turn, as over a socket; payloads are copied, as over a socket.
 */
import { KvrError } from '../core/errors.js';
import { type Frame, frameBytes } from './frame.js';
import type { Link, LinkHandlers } from './link.js';

class MemoryLink implements Link {
  peer: MemoryLink | undefined;
  readonly #handlers: LinkHandlers;
  readonly #inbox: { readonly frame: Frame; readonly onTaken: () => void }[] = [];
  #isPaused = false;
  #isScheduled = false;
  isClosed = false;
  bufferedBytes = 0;

  constructor(handlers: LinkHandlers) {
    this.#handlers = handlers;
  }

  send(frame: Frame, onSent?: () => void): void {
    if (this.isClosed || !this.peer) return;
    const bytes = frameBytes(frame);
    this.bufferedBytes += bytes;
    const copy = { ...frame, payload: frame.payload.slice() };
    this.peer.#accept(copy, () => {
      this.bufferedBytes -= bytes;
      onSent?.();
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  close(error?: Error): void {
    const { peer } = this;
    if (this.isClosed) return;
    this.#end(error);
    if (peer) setImmediate(() => peer.#endAfterInbox());
  }

  #accept(frame: Frame, onTaken: () => void): void {
    this.#inbox.push({ frame, onTaken });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#isScheduled = false;
    while (!this.#isPaused && !this.isClosed) {
      const next = this.#inbox.shift();
      if (!next) return;
      next.onTaken();
      this.#handlers.onFrame(next.frame);
    }
  }

  #endAfterInbox(): void {
    this.#deliver();
    if (!this.isClosed) this.#end(new KvrError('LINK', 'link was closed by the peer'));
  }

  #end(error?: Error): void {
    this.isClosed = true;
    this.peer = undefined;
    setImmediate(() => this.#handlers.onClose(error));
  }
}

/** @returns both ends; each end's handlers hear what the other end sends. */
export function memoryLinkPair(left: LinkHandlers, right: LinkHandlers): [Link, Link] {
  const a = new MemoryLink(left);
  const b = new MemoryLink(right);
  a.peer = b;
  b.peer = a;
  return [a, b];
}
