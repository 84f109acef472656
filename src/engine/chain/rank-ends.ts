/**
 * Which ranks still hold something of a request: each is over once its worker has said so, or is gone. After a cancel that has a
 * bound, so that no worker's silence keeps capacity for good.
 */
import type { FromWorker } from '../../worker/protocol/index.js';

/** A cancelled rank ends between two kernel calls: seconds for the longest prefixes of large models. */
export const CANCEL_TIMEOUT_MS = 30_000;

export class RankEnds {
  readonly #open: Set<number>;
  readonly #onEnd: (rank: number) => void;
  readonly #onAllEnded: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onEnd called once for each rank. @param onAllEnded called after the last */
  constructor(ranks: number, onEnd: (rank: number) => void, onAllEnded: () => void) {
    this.#open = new Set(Array.from({ length: ranks }, (_, rank) => rank));
    this.#onEnd = onEnd;
    this.#onAllEnded = onAllEnded;
  }

  /** The ranks that are not over, in order. */
  get open(): number[] {
    return [...this.#open];
  }

  note(rank: number): void {
    if (!this.#open.delete(rank)) return;
    this.#onEnd(rank);
    if (this.#open.size > 0) return;
    clearTimeout(this.#timer);
    this.#onAllEnded();
  }

  /** Ranks that have not ended after a while count as ended. */
  limit(): void {
    if (this.#open.size === 0) return;
    this.#timer = setTimeout(() => this.open.forEach((rank) => this.note(rank)), CANCEL_TIMEOUT_MS);
    // Nothing but capacity waits for it.
    this.#timer.unref();
  }
}

/** Whether a worker holds nothing of a request any more after this message about it. */
export function isLastWord(message: FromWorker, isLastRank: boolean): boolean {
  return (
    message.type === 'finished' || message.type === 'failed' || (message.type === 'prefilled' && !isLastRank)
  );
}
