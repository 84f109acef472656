/**
 * One request as the network thread sees it: where its rows go, what was sent, and when the rank has sent everything.
 */
import { wallClock } from '../../../core/clock.js';
import { firstSeen, rowsFromOthers } from '../../../core/kv-rows.js';
import { sliceAt } from '../../../core/partition.js';
import { layerSpec, type ModelShape } from '../../../core/shape.js';
import { strategyOf } from '../../../core/strategy.js';
import { seenFrom } from './seen-rows.js';
import type { RankTimeline, TimelineEvent } from '../../../core/timeline.js';
import type { KvFrame } from '../../../link/frame.js';
import type { Link } from '../../../link/link.js';
import { compactEvents } from '../../../core/compact-events.js';
import type { RunMessage } from '../../protocol/index.js';
import { TrafficMeter } from './traffic-meter.js';

/** An engine's name and the link to it. */
export type EngineEnd = { readonly worker: string; readonly link: Link };

export class Route {
  readonly run: RunMessage;
  /** The engine's name, whose peers alone may send rows. */
  readonly owner: string;
  readonly engine: Link;
  /** Links that own rows go to. */
  readonly targets: readonly Link[];
  /** Link that earlier ranks' rows are passed on to. */
  readonly relay: Link | undefined;
  readonly #shape: ModelShape;
  /** Where the next rank's slice begins. */
  readonly #sliceEnd: number;
  readonly #startMs = wallClock();
  readonly #events: TimelineEvent[] = [];
  /** Rows of other ranks, over all layers, that are still to come. */
  #missingRows: number;
  #unsent = 0;
  readonly #traffic = new TrafficMeter();
  #onAllSent: (() => void) | undefined;

  constructor(
    run: RunMessage,
    engine: EngineEnd,
    targets: readonly Link[],
    relay: Link | undefined,
    shape: ModelShape,
  ) {
    this.#missingRows = rowsFromOthers(shape, run).reduce((sum, rows) => sum + rows, 0);
    this.#shape = shape;
    this.#sliceEnd = sliceAt(run.partition, run.rank).end;
    this.run = run;
    this.owner = engine.worker;
    this.engine = engine.link;
    this.targets = targets;
    this.relay = relay;
  }

  /** Counts rows of another rank and, along a chain, passes on to the next what that one's layer sees. */
  receiveRows(rows: KvFrame): void {
    const bytes = rows.payload.byteLength;
    this.#missingRows -= rows.rows;
    this.#traffic.noteReceived(bytes, this.#nowMs);
    const passedOn = this.relay && seenFrom(rows, this.#firstForNext(rows.layer));
    if (passedOn) this.relay?.send(passedOn, this.startSend(rows.layer, passedOn.payload.byteLength));
    // Rows that the next rank does not see leave nothing behind that would end.
    else this.#noteSent();
  }

  /** True while this rank needs that worker: rows have yet to come from it, or to go to it. */
  needs(worker: string): boolean {
    const { chain, rank, spec } = this.run;
    const isRowsMissing = this.#missingRows > 0;
    if (strategyOf(spec.strategy).topology !== 'chain')
      return chain.includes(worker) && (isRowsMissing || !this.#isLast());
    return chain[rank + 1] === worker || (chain[rank - 1] === worker && isRowsMissing);
  }

  /** Notes that bytes of a layer were handed to a link; call the result when the system has taken them. */
  startSend(layer: number, bytes: number): () => void {
    const startMs = this.#nowMs;
    this.#unsent++;
    return () => {
      const endMs = this.#nowMs;
      this.#unsent--;
      this.#traffic.noteSent(bytes, startMs, endMs);
      this.#events.push({ kind: 'send', layer, startMs, endMs });
      this.#noteSent();
    };
  }

  #noteSent(): void {
    if (this.#isSent()) this.#onAllSent?.();
  }

  /**
   * Runs `then` once nothing is on its way any more. A rank computes no attention in the last layer, so its compute
   * thread may be done before the last layer's rows of earlier ranks have even arrived to be passed on.
   */
  whenSent(then: () => void): void {
    if (this.#isSent()) return then();
    this.#onAllSent = () => {
      this.#onAllSent = undefined;
      then();
    };
  }

  /** The first row of a layer that the next rank needs. */
  #firstForNext(layer: number): number {
    return firstSeen(layerSpec(this.#shape, layer).attention, this.#sliceEnd);
  }

  get #nowMs(): number {
    return wallClock() - this.#startMs;
  }

  #isSent(): boolean {
    return this.#unsent === 0 && (this.relay === undefined || this.#missingRows <= 0);
  }

  #isLast(): boolean {
    return this.run.rank === this.run.chain.length - 1;
  }

  /** The compute thread's record with this thread's part added. */
  complete(timeline: RankTimeline): RankTimeline {
    return {
      ...timeline,
      sentBytes: this.#traffic.sentBytes,
      receivedBytes: this.#traffic.receivedBytes,
      traffic: this.#traffic.traffic(),
      events: compactEvents([...timeline.events, ...this.#events]),
    };
  }
}
