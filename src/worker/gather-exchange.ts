/**
 * TSP's exchange, the baseline: every rank sends its rows to every other and waits, in every layer, until it has
 * those of all: an all-gather, which is a barrier. Whether the masked half is computed is the kernel's matter.
 */
import type { ActiveRequest } from './active-request.js';
import type { Desk } from './desk.js';
import type { Exchange } from './exchange.js';
import { publishRows } from './publish-rows.js';

export class GatherExchange implements Exchange {
  readonly #desk: Desk;
  readonly #request: ActiveRequest;
  readonly #rowFloats: number;

  /** @param rowFloats kvHeads·D */
  constructor(desk: Desk, request: ActiveRequest, rowFloats: number) {
    this.#desk = desk;
    this.#request = request;
    this.#rowFloats = rowFloats;
  }

  publish(layer: number, start: number, keys: Float32Array, values: Float32Array): void {
    this.#request.coverage[layer]?.add(start, start + keys.length / this.#rowFloats);
    if (this.#request.job.chain.length === 1) return;
    publishRows(this.#desk, this.#request, this.#rowFloats, layer, start, keys, values);
  }

  canPublish(): boolean {
    return this.#desk.hasRoomToSend;
  }

  hasPrefix(layer: number): boolean {
    return this.#request.coverage[layer]?.isComplete ?? true;
  }
}
