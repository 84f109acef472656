/**
 * How far each rank of a chain is with a request, by its own reports.
 */
import type { Phase } from '../../worker/protocol/index.js';

export type RankState = { phase: Phase; layer: number; isPrefilled: boolean };

export class RankStates {
  readonly #states: readonly RankState[];

  constructor(ranks: number) {
    this.#states = Array.from({ length: ranks }, () => ({ phase: 'connect', layer: 0, isPrefilled: false }));
  }

  of(rank: number): RankState | undefined {
    return this.#states[rank];
  }

  /** Every rank has been sent its part. */
  beginPrefill(): void {
    for (const state of this.#states) state.phase = 'prefill';
  }

  get areAllPrefilled(): boolean {
    return this.#states.every(({ isPrefilled }) => isPrefilled);
  }

  /** A token has come: the last rank has the rows of all others. */
  get isDecoding(): boolean {
    return this.#states.at(-1)?.phase === 'decode';
  }

  isLast(rank: number): boolean {
    return rank === this.#states.length - 1;
  }

  /** False for a rank that has sent all its rows, unless it is the one that decodes. */
  isNeeded(rank: number): boolean {
    return this.isLast(rank) || !this.#states[rank]?.isPrefilled;
  }

  /** The rank that the others wait for: of those still in the prompt phase, the one in the earliest layer. */
  get slowest(): number {
    const behind = this.#states.map((state, rank) => ({ ...state, rank })).filter((one) => !one.isPrefilled);
    behind.sort((a, b) => a.layer - b.layer);
    return behind[0]?.rank ?? this.#states.length - 1;
  }
}
