/**
 * Gives up on a connection on which nothing comes for a while: a network that went away tells nobody.
 */
import { PassingFault } from './passing-fault.js';
import type { HubClock } from './hub-clock.js';

/** Longer than a server takes to find a cold file, shorter than people wait. */
export const SILENCE_MS = 45_000;

export class Silence {
  readonly #clock: HubClock;
  readonly #controller = new AbortController();
  #heardMs: number;
  #callOff: () => void;

  constructor(clock: HubClock) {
    this.#clock = clock;
    this.#heardMs = clock.nowMs();
    this.#callOff = clock.after(SILENCE_MS, () => this.#look());
  }

  /** Aborted, with a fault that passes, once it has been silent for too long. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#heardMs = this.#clock.nowMs();
  }

  end(): void {
    this.#callOff();
  }

  /** A timer a connection and not one a chunk: it is set again for what is left. */
  #look(): void {
    const leftMs = this.#heardMs + SILENCE_MS - this.#clock.nowMs();
    if (leftMs > 0) this.#callOff = this.#clock.after(leftMs, () => this.#look());
    else this.#controller.abort(new PassingFault(`nothing came for ${SILENCE_MS / 1000} s`));
  }
}
