/**
 * KV-Runahead's exchange: own rows go to the next rank at once; a rank waits only for the rows before its slice.
 * Relaying others' rows is the network thread's work, not this one's.
 */
import type { CacheRows } from '../../../runtime/backend/rows.js';
import type { ActiveRequest } from '../requests/active-request.js';
import type { Outbox } from '../../threads/outbox.js';
import type { Exchange } from './exchange.js';

export class ChainExchange implements Exchange {
  readonly #outbox: Outbox;
  readonly #request: ActiveRequest;

  constructor(outbox: Outbox, request: ActiveRequest) {
    this.#outbox = outbox;
    this.#request = request;
  }

  async publish(layer: number, start: number, rows: CacheRows): Promise<void> {
    if (this.#isLast) return;
    const from = Math.max(start, this.firstNeeded(layer));
    if (from >= start + rows.count) return;
    await this.#outbox.publishRows(this.#request.job.request, { layer, start, from }, rows);
  }

  firstNeeded(layer: number): number {
    return this.#request.firstForNext[layer] ?? 0;
  }

  canPublish(): boolean {
    return this.#isLast || this.#outbox.hasRoomToSend;
  }

  hasPrefix(layer: number): boolean {
    return this.#request.coverage[layer]?.isComplete ?? true;
  }

  hasFirstRows(): boolean {
    return this.hasPrefix(0);
  }

  get #isLast(): boolean {
    const { job, rank } = this.#request;
    return rank === job.chain.length - 1;
  }
}
