/**
 * Two ends of a link inside one process, for tests and for engines without sockets. Frames arrive in order, on a
 * later turn, as over a socket; payloads are copied, as over a socket.
 */
import { KvrError } from '../core/errors.js';
import { decodeHeader, encodeHead, type Frame, frameBytes, HEADER_BYTES } from './frame.js';
import type { Link, LinkHandlers } from './link.js';

class MemoryLink implements Link {
  peer: MemoryLink | undefined;
  readonly #handlers: LinkHandlers;
  readonly #inbox: { readonly frame: Frame; readonly onTaken: () => void }[] = [];
  #isScheduled = false;
  #hasPeerEnded = false;
  isPaused = false;
  isClosed = false;
  bufferedBytes = 0;

  constructor(handlers: LinkHandlers) {
    this.#handlers = handlers;
  }

  send(frame: Frame, onSent?: () => void): void {
    if (!this.peer) return void (onSent && setImmediate(onSent));
    const bytes = frameBytes(frame);
    this.bufferedBytes += bytes;
    const copy = { ...frame, payload: frame.payload.slice() };
    this.peer.#accept(copy, () => {
      this.bufferedBytes -= bytes;
      onSent?.();
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#schedule();
  }

  close(error?: Error): void {
    const { peer } = this;
    if (this.isClosed) return;
    this.#end(error);
    if (peer) setImmediate(() => peer.#peerEnded());
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
    while (!this.isPaused && !this.isClosed) {
      const next = this.#inbox.shift();
      if (!next) break;
      next.onTaken();
      if (!this.#hear(next.frame)) return;
      this.#handlers.onFrame(next.frame);
    }
    // An end that is paused reads what was sent before it hears that there is no more.
    if (this.#hasPeerEnded && this.#inbox.length === 0 && !this.isClosed) {
      this.#end(new KvrError('LINK', 'link was closed by the peer'));
    }
  }

  /** @returns false where the frame is refused, which ends the link */
  #hear(frame: Frame): boolean {
    const { onHeard, onFrameHead } = this.#handlers;
    onHeard?.();
    if (!onFrameHead) return true;
    try {
      onFrameHead(decodeHeader(Buffer.from(encodeHead(frame, false)).subarray(0, HEADER_BYTES)));
      return true;
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #peerEnded(): void {
    this.#hasPeerEnded = true;
    this.peer = undefined;
    this.#deliver();
  }

  #end(error?: Error): void {
    this.isClosed = true;
    this.peer = undefined;
    for (const { onTaken } of this.#inbox.splice(0)) setImmediate(onTaken);
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
