/**
 * KV-Runahead's exchange: own rows go to the next rank at once; a rank waits only for the rows before its slice.
 * Relaying others' rows is the network thread's work, not this one's.
 */
import type { ActiveRequest, Desk } from './desk.js';
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
    const { job, rank } = this.#request;
    if (rank === job.chain.length - 1) return;
    publishRows(this.#desk, this.#request, this.#rowFloats, layer, start, keys, values);
  }

  async waitForPrefix(layer: number): Promise<void> {
    const { coverage } = this.#request;
    await this.#desk.waitUntil(this.#request, layer, () => coverage[layer]?.isComplete ?? true);
  }
}
