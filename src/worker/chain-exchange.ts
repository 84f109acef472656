/**
 * KV-Runahead's exchange: own rows go to the next rank at once, in frames small enough that a relay can pass the
 * first on while the last is still being cut. Relaying others' rows is the network thread's work, not this one's.
 */
import { KV_FRAME_BYTES } from '../link/frame.js';
import type { Desk, ActiveRequest } from './desk.js';
import type { Exchange } from './exchange.js';

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
    const rows = keys.length / this.#rowFloats;
    const rowsPerFrame = Math.max(1, Math.floor(KV_FRAME_BYTES / (8 * this.#rowFloats)));
    for (let row = 0; row < rows; row += rowsPerFrame) {
      const end = Math.min(rows, row + rowsPerFrame);
      const payload = packRows(keys, values, row * this.#rowFloats, end * this.#rowFloats);
      this.#desk.publish({ request: job.request, layer, start: start + row, rows: end - row, payload });
    }
  }

  async waitForPrefix(layer: number): Promise<void> {
    const { coverage } = this.#request;
    await this.#desk.waitUntil(this.#request, layer, () => coverage[layer]?.isComplete ?? true);
  }
}

/** Floats [from, to) of the keys, then of the values, in one buffer that can change threads. */
function packRows(keys: Float32Array, values: Float32Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  const packed = new Float32Array(2 * (to - from));
  packed.set(keys.subarray(from, to));
  packed.set(values.subarray(from, to), to - from);
  return new Uint8Array(packed.buffer);
}
