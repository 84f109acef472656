/**
 * Rows that arrive before the engine's word of their request does: engine and peers use different sockets, so
 * either may be first. Bounded; over the bound the link that brought them is paused until the request is known.
 */
import type { KvFrame } from '../link/frame.js';
import type { Link } from '../link/link.js';

const MAX_PARKED_BYTES = 64 << 20;
/** Requests whose end is remembered, so that rows that a cancel overtook are dropped and not parked. */
const MAX_REMEMBERED = 1024;

type ParkedFrame = { readonly frame: KvFrame; readonly link: Link };

export class Parking {
  readonly #frames = new Map<number, ParkedFrame[]>();
  readonly #ended = new Set<number>();
  readonly #paused = new Set<Link>();
  #bytes = 0;

  park(frame: KvFrame, link: Link): void {
    if (this.#ended.has(frame.request)) return;
    const frames = this.#frames.get(frame.request) ?? [];
    frames.push({ frame, link });
    this.#frames.set(frame.request, frames);
    this.#bytes += frame.payload.byteLength;
    if (this.#bytes < MAX_PARKED_BYTES) return;
    this.#paused.add(link);
    link.pause();
  }

  /** Gives back, in order of arrival, what was parked for a request. */
  take(request: number): readonly ParkedFrame[] {
    const frames = this.#frames.get(request) ?? [];
    this.#frames.delete(request);
    this.#bytes -= frames.reduce((sum, { frame }) => sum + frame.payload.byteLength, 0);
    if (this.#bytes < MAX_PARKED_BYTES) this.#resume();
    return frames;
  }

  /** Drops what is parked for a request and what may still come. */
  end(request: number): void {
    this.take(request);
    this.#ended.add(request);
    const oldest = this.#ended.values().next();
    if (this.#ended.size > MAX_REMEMBERED && !oldest.done) this.#ended.delete(oldest.value);
  }

  #resume(): void {
    for (const link of this.#paused) link.resume();
    this.#paused.clear();
  }
}
