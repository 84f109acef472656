/**
 * KV-Runahead's exchange: own rows go to the next rank at once; a rank waits only for the rows before its slice.
 * Relaying others' rows is the network thread's work, not this one's.
 */
import type { ActiveRequest } from './active-request.js';
import type { Desk } from './desk.js';
import type { Exchange } from './exchange.js';
import { publishRows } from './publish-rows.js';

export class ChainExchange implements Exchange {
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
    if (this.#isLast) return;
    publishRows(this.#desk, this.#request, this.#rowFloats, layer, start, keys, values);
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
