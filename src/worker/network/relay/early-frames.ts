/**
 * The early-frame buffer: rows that arrive before the run message of their request. Engine and peers use different sockets,
 * so either may be first. Bounded for each link: a link over its bound is paused until its requests are known, and its frames
 * are dropped when it closes, so that one peer's rows never block another's.
 */
import type { KvFrame } from '../../../link/frame.js';
import type { Link } from '../../../link/link.js';
import { type Holder, MemoryBudget } from '../door/memory-budget.js';

/** Per link: many times what a fast neighbour sends between two messages of the engine. */
export const MAX_EARLY_BYTES = 64 << 20;
/** Ended requests that are remembered, so that rows which arrive after a cancel are dropped and not held. */
const MAX_REMEMBERED = 1024;

type HeldFrame = { readonly frame: KvFrame; readonly from: Holder };

export class EarlyFrames {
  readonly #budget: MemoryBudget;
  readonly #frames = new Map<number, HeldFrame[]>();
  readonly #ended = new Set<number>();
  /** Bytes held, by link. */
  readonly #bytes = new Map<Link, number>();

  /** @param budget of the whole worker, over which a link is closed */
  constructor(budget = new MemoryBudget()) {
    this.#budget = budget;
  }

  hold(frame: KvFrame, from: Holder): void {
    const { link } = from;
    if (this.#ended.has(frame.request)) return;
    const frames = this.#frames.get(frame.request) ?? [];
    frames.push({ frame, from });
    this.#frames.set(frame.request, frames);
    const bytes = (this.#bytes.get(link) ?? 0) + costOf(frame);
    this.#bytes.set(link, bytes);
    if (bytes >= MAX_EARLY_BYTES) link.pause();
    this.#budget.hold(from, costOf(frame));
  }

  /** Gives back, in order of arrival, what was held for a request. */
  take(request: number): readonly HeldFrame[] {
    const frames = this.#frames.get(request) ?? [];
    this.#frames.delete(request);
    for (const { frame, from } of frames) this.#free(from.link, costOf(frame));
    return frames;
  }

  /** Drops what is held for a request and what may still come. */
  end(request: number): void {
    this.take(request);
    this.#ended.add(request);
    const oldest = this.#ended.values().next();
    if (this.#ended.size > MAX_REMEMBERED && !oldest.done) this.#ended.delete(oldest.value);
  }

  /** Drops what came over a link that has ended. */
  leave(link: Link): void {
    if (!this.#bytes.delete(link)) return;
    for (const [request, frames] of this.#frames) {
      const others = frames.filter((held) => held.from.link !== link);
      if (others.length > 0) this.#frames.set(request, others);
      else this.#frames.delete(request);
    }
  }

  #free(link: Link, bytes: number): void {
    this.#budget.free(link, bytes);
    const before = this.#bytes.get(link) ?? 0;
    const after = before - bytes;
    if (after > 0) this.#bytes.set(link, after);
    else this.#bytes.delete(link);
    if (before >= MAX_EARLY_BYTES && after < MAX_EARLY_BYTES) link.resume();
  }
}

/** A frame without rows takes memory, too. */
function costOf(frame: KvFrame): number {
  return frame.payload.byteLength + FRAME_OVERHEAD_BYTES;
}
const FRAME_OVERHEAD_BYTES = 256;
