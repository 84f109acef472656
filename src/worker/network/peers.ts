/**
 * The links of a worker to its peers: opened, found by name, and measured here. Every engine has its own links between its
 * workers, under the names it gave them; they end when it leaves.
 */
import { KvrError } from '../../core/errors.js';
import { controlFrame, KV_FRAME_BYTES } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { PeerMessage } from '../protocol/index.js';
import type { PeerLinks, PeerName } from './relay/rows-router.js';

/** Limit for a peer that accepts a link and never answers. */
const GREETING_TIMEOUT_MS = 10_000;
/** Echoes in one measurement; the fastest gives the latency. */
const LATENCY_ECHOES = 8;

export class Peers implements PeerLinks {
  readonly #links = new Map<string, Link>();
  readonly #handshake = new Map<Link, Waiter>();
  readonly #echoes = new Map<number, Waiter>();
  #nextEcho = 0;

  /** @throws LINK where there is no open link to that worker */
  linkTo(peer: PeerName): Link {
    const link = this.#links.get(keyOf(peer));
    if (!link || link.isClosed) throw new KvrError('LINK', `no link to worker ${peer.worker}`);
    return link;
  }

  has(peer: PeerName): boolean {
    return this.#links.get(keyOf(peer))?.isClosed === false;
  }

  add(peer: PeerName, link: Link): void {
    this.#links.set(keyOf(peer), link);
  }

  /** Forgets a link that ended and fails what waits for it. @returns false where a newer one has taken its place */
  remove(peer: PeerName, link: Link, reason?: Error): boolean {
    const key = keyOf(peer);
    const isLost = this.#links.get(key) === link;
    if (isLost) this.#links.delete(key);
    const message = `link to worker ${peer.worker}: ${reason?.message ?? 'closed'}`;
    const error = new KvrError('LINK', message, {}, reason);
    this.#handshake.get(link)?.fail(error);
    for (const echo of [...this.#echoes.values()]) if (echo.link === link) echo.fail(error);
    return isLost;
  }

  resumeAll(): void {
    for (const link of this.#links.values()) link.resume();
  }

  /** Settles when the peer has answered the hello over that link. @throws LINK when it does not in time, or the link ends */
  async greeted(worker: string, link: Link): Promise<void> {
    const waiter = new Waiter(link);
    const timer = setTimeout(
      () =>
        waiter.fail(
          new KvrError('LINK', `worker ${worker} did not answer the hello within ${GREETING_TIMEOUT_MS} ms`),
        ),
      GREETING_TIMEOUT_MS,
    );
    this.#handshake.set(link, waiter);
    try {
      await waiter.done;
    } finally {
      clearTimeout(timer);
      this.#handshake.delete(link);
    }
  }

  onMessage(link: Link, message: PeerMessage): void {
    switch (message.type) {
      case 'ready':
        return this.#handshake.get(link)?.settle();
      case 'echo':
        if (message.wantsAnswer)
          link.send(controlFrame({ type: 'echoed', echo: message.echo } satisfies PeerMessage));
        return;
      case 'echoed':
        return this.#echoes.get(message.echo)?.settle();
    }
  }

  /** Half of the fastest round trip, and the rate at which `frames` frames of KV size got across. @throws LINK */
  async measure(peer: PeerName, frames: number): Promise<{ latencyMs: number; bytesPerS: number }> {
    const link = this.linkTo(peer);
    let roundTripMs = Infinity;
    for (let echo = 0; echo < LATENCY_ECHOES; echo++)
      roundTripMs = Math.min(roundTripMs, await this.#echo(link, 1, 0));
    const bulkMs = Math.max(0.001, (await this.#echo(link, frames, KV_FRAME_BYTES)) - roundTripMs);
    return { latencyMs: roundTripMs / 2, bytesPerS: (frames * KV_FRAME_BYTES * 1000) / bulkMs };
  }

  /** Sends frames of a size and waits until the last was answered. @returns the milliseconds it took */
  async #echo(link: Link, frames: number, bytes: number): Promise<number> {
    const payload = new Uint8Array(bytes);
    const startMs = performance.now();
    const echo = this.#nextEcho++;
    const answer = new Waiter(link);
    this.#echoes.set(echo, answer);
    for (let frame = 0; frame < frames; frame++) {
      const message: PeerMessage = { type: 'echo', echo, wantsAnswer: frame === frames - 1 };
      link.send(controlFrame(message, payload));
    }
    try {
      await answer.done;
    } finally {
      this.#echoes.delete(echo);
    }
    return performance.now() - startMs;
  }
}

function keyOf({ engine, worker }: PeerName): string {
  return JSON.stringify([engine, worker]);
}

/** A wait for one message over one link. */
class Waiter {
  readonly link: Link;
  readonly done: Promise<void>;
  settle: () => void = () => undefined;
  fail: (error: KvrError) => void = () => undefined;

  constructor(link: Link) {
    this.link = link;
    this.done = new Promise((resolve, reject) => {
      this.settle = resolve;
      this.fail = reject;
    });
  }
}
