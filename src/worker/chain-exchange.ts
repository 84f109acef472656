/**
 * KV-Runahead's exchange: own rows go to the next rank at once; a rank waits only for the rows before its slice.
 * Relaying others' rows is the network thread's work, not this one's.
 */
import type { LayerRows } from '../runtime/kv-cache.js';
import type { ActiveRequest } from './active-request.js';
import type { Desk } from './desk.js';
import type { Exchange } from './exchange.js';
import { publishRows } from './publish-rows.js';

export class ChainExchange implements Exchange {
  readonly #desk: Desk;
  readonly #request: ActiveRequest;
  readonly #rowElements: number;

  /** @param rowElements kvHeads·D */
  constructor(desk: Desk, request: ActiveRequest, rowElements: number) {
    this.#desk = desk;
    this.#request = request;
    this.#rowElements = rowElements;
  }

  publish(layer: number, start: number, rows: LayerRows): void {
    if (this.#isLast) return;
    publishRows(this.#desk, this.#request, this.#rowElements, layer, start, rows);
  }

  canPublish(): boolean {
    return this.#isLast || this.#desk.hasRoomToSend;
  }

  hasPrefix(layer: number): boolean {
    return this.#request.coverage[layer]?.isComplete ?? true;
  }

  get #isLast(): boolean {
    const { job, rank } = this.#request;
    return rank === job.chain.length - 1;
  }
}
