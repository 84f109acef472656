/**
 * TSP's exchange, the baseline: every rank sends its rows to every other and waits, in every layer, until it has
 * those of all: an all-gather, which is a barrier. Whether the masked half is computed is the kernel's matter.
 */
import { sliceTokens } from '../../../core/partition.js';
import type { CacheRows } from '../../../runtime/backend/rows.js';
import type { ActiveRequest } from '../requests/active-request.js';
import type { Outbox } from '../../threads/outbox.js';
import type { Exchange } from './exchange.js';

export class GatherExchange implements Exchange {
  readonly #outbox: Outbox;
  readonly #request: ActiveRequest;

  constructor(outbox: Outbox, request: ActiveRequest) {
    this.#outbox = outbox;
    this.#request = request;
  }

  async publish(layer: number, start: number, rows: CacheRows): Promise<void> {
    this.#request.coverage[layer]?.add(start, start + rows.count);
    if (this.#request.job.chain.length === 1) return;
    await this.#outbox.publishRows(this.#request.job.request, { layer, start, from: start }, rows);
  }

  firstNeeded(): number {
    return 0;
  }

  canPublish(): boolean {
    return this.#outbox.hasRoomToSend;
  }

  hasPrefix(layer: number): boolean {
    return this.#request.coverage[layer]?.isComplete ?? true;
  }

  /** Own rows are among those that a barrier waits for. */
  hasFirstRows(): boolean {
    const { coverage, slice } = this.#request;
    return (coverage[0]?.missing ?? 0) <= sliceTokens(slice);
  }
}
