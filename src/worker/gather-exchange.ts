/**
 * TSP's exchange, the baseline: every rank sends its rows to every other and waits, in every layer, until it has
 * those of all: an all-gather, which is a barrier. Whether the masked half is computed is the kernel's matter.
 */
import type { LayerRows } from '../runtime/kv-cache.js';
import type { ActiveRequest } from './active-request.js';
import type { Desk } from './desk.js';
import type { Exchange } from './exchange.js';
import { publishRows } from './publish-rows.js';

export class GatherExchange implements Exchange {
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
    this.#request.coverage[layer]?.add(start, start + rows.keys.length / this.#rowElements);
    if (this.#request.job.chain.length === 1) return;
    publishRows(this.#desk, this.#request, this.#rowElements, layer, start, rows);
  }

  canPublish(): boolean {
    return this.#desk.hasRoomToSend;
  }

  hasPrefix(layer: number): boolean {
    return this.#request.coverage[layer]?.isComplete ?? true;
  }
}
