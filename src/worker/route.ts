/**
 * The network thread's view of one request: where its rows go, what was sent, and when the rank is done sending.
 */
import type { RankTimeline, TimelineEvent } from '../core/timeline.js';
import type { KvFrame } from '../link/frame.js';
import type { Link } from '../link/link.js';
import type { RunMessage } from './protocol.js';
import { wallClock } from './recorder.js';

export class Route {
  readonly run: RunMessage;
  readonly engine: Link;
  /** Links that own rows go to. */
  readonly targets: readonly Link[];
  /** Link that earlier ranks' rows are passed on to. */
  readonly relay: Link | undefined;
  readonly #startMs = wallClock();
  readonly #events: TimelineEvent[] = [];
  /** Rows of earlier ranks, over all layers, that are still to come and to be passed on. */
  #unrelayedRows: number;
  #unsent = 0;
  #sentBytes = 0;
  #onAllSent: (() => void) | undefined;

  constructor(
    run: RunMessage,
    engine: Link,
    targets: readonly Link[],
    relay: Link | undefined,
    layers: number,
  ) {
    const prefixTokens = run.partition.slice(0, run.rank).reduce((sum, size) => sum + size, 0);
    this.#unrelayedRows = relay ? layers * prefixTokens : 0;
    this.run = run;
    this.engine = engine;
    this.targets = targets;
    this.relay = relay;
  }

  /** Passes rows of an earlier rank on to the next. */
  relayRows(rows: KvFrame): void {
    this.#unrelayedRows -= rows.rows;
    this.relay?.send(rows, this.startSend(rows.layer, rows.payload.byteLength));
  }

  /** Notes that bytes of a layer were handed to a link; call the result when the system has taken them. */
  startSend(layer: number, bytes: number): () => void {
    const startMs = wallClock() - this.#startMs;
    this.#unsent++;
    return () => {
      this.#unsent--;
      this.#sentBytes += bytes;
      this.#events.push({ kind: 'send', layer, startMs, endMs: wallClock() - this.#startMs });
      if (this.#isSent()) this.#onAllSent?.();
    };
  }

  /**
   * Runs `then` once nothing is on its way any more. A rank computes no attention in the last layer, so its compute
   * thread may be done before the last layer's rows of earlier ranks have even arrived to be passed on.
   */
  whenSent(then: () => void): void {
    if (this.#isSent()) then();
    else this.#onAllSent = then;
  }

  #isSent(): boolean {
    return this.#unsent === 0 && this.#unrelayedRows <= 0;
  }

  /** The compute thread's record with this thread's part added. */
  complete(timeline: RankTimeline): RankTimeline {
    return {
      ...timeline,
      sentBytes: this.#sentBytes,
      events: [...timeline.events, ...this.#events].sort((a, b) => a.startMs - b.startMs),
    };
  }
}
