/**
 * Whether the next decode step takes all cores or only the worker's own. More threads are slower where something else runs
 * on those cores, so now and then a step is made the other way, and the faster way is kept. Pure; times are given.
 */
import { median } from '../../../core/statistics.js';

/** Steps between two made the other way: the loss is a small part of a step each time. */
export const STEPS_BETWEEN_TRIES = 32;
/** Steps made the other way in a row: the first finds caches and threads cold. */
export const TRY_STEPS = 3;
/** Steps of each way that are remembered: one that was held up counts for little. */
const REMEMBERED_STEPS = 5;

export class AllCoreSwitch {
  #onAllCores = true;
  #untilTry = STEPS_BETWEEN_TRIES;
  #rows = 0;
  readonly #times: Record<'all' | 'own', number[]> = { all: [], own: [] };

  /** @returns true where the next step is to take all cores */
  get onAllCores(): boolean {
    return this.#untilTry <= 0 ? !this.#onAllCores : this.#onAllCores;
  }

  /** @param rows sequences of the step: with another number of them earlier times mean nothing */
  note(onAllCores: boolean, rows: number, ms: number): void {
    if (rows !== this.#rows) this.#forget(rows);
    const times = this.#times[onAllCores ? 'all' : 'own'];
    times.push(ms);
    if (times.length > REMEMBERED_STEPS) times.shift();
    if (--this.#untilTry > -TRY_STEPS) return;
    this.#untilTry = STEPS_BETWEEN_TRIES;
    this.#onAllCores = median(this.#times.all, Infinity) <= median(this.#times.own, Infinity);
  }

  #forget(rows: number): void {
    this.#rows = rows;
    this.#times.all = [];
    this.#times.own = [];
    this.#untilTry = STEPS_BETWEEN_TRIES;
  }
}
