/**
 * How a worker leaves politely: engines are told, answer that nothing more will come, and what is under way is finished. Knows
 * neither links nor requests.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** How often it looks whether all is done; it is leaving, so nobody minds. */
const LOOK_MS = 20;

export class Leaving<Engine> {
  readonly #isIdle: () => boolean;
  readonly #unreleased = new Set<Engine>();

  /** @param isIdle whether no request is under way and nothing is unsent */
  constructor(isIdle: () => boolean) {
    this.#isIdle = isIdle;
  }

  /** @param engines to each of which `tell` says it. Settles when all is done, or the signal is aborted */
  async leave(
    engines: readonly Engine[],
    tell: (engine: Engine) => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (const engine of engines) {
      this.#unreleased.add(engine);
      tell(engine);
    }
    while (!signal.aborted && !(this.#unreleased.size === 0 && this.#isIdle()))
      await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }

  /** The engine sends nothing more, or is gone. */
  release(engine: Engine): void {
    this.#unreleased.delete(engine);
  }
}
