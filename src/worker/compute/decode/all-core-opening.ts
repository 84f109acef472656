/**
 * When a model's graphs are opened for all cores: once an answer of some length asked for it, one graph at a time while there
 * is nothing better to do, until all are open or one can not be opened.
 */
import { asKvrError } from '../../../core/errors.js';
import type { BackendModel } from '../../../runtime/backend/backend.js';
import { ALL_CORE_IDLE_TOKENS } from '../requests/pace.js';

type ModelWithCores = Pick<BackendModel, 'allCores'>;

/** True where nothing is left to open, also where there is nothing to open at all. */
export function isOpenForAllCores({ allCores }: ModelWithCores): boolean {
  return allCores?.isOpen ?? true;
}

export class AllCoreOpening {
  readonly #model: ModelWithCores;
  #state: 'not yet' | 'wanted' | 'given up' = 'not yet';

  constructor(model: ModelWithCores) {
    this.#model = model;
  }

  /** An answer that may get so many tokens has been asked for. */
  noteAnswer(maxTokens: number): void {
    if (this.#state === 'not yet' && maxTokens > ALL_CORE_IDLE_TOKENS) this.#state = 'wanted';
  }

  get isWanted(): boolean {
    return this.#state === 'wanted' && !isOpenForAllCores(this.#model);
  }

  /** Opens one more graph where that is wanted. */
  async openNext(): Promise<void> {
    if (!this.isWanted) return;
    try {
      await this.#model.allCores?.openNext();
    } catch (error) {
      // The cache folder may have been deleted since; what is open already still works.
      this.#state = 'given up';
      process.stderr.write(`kvr worker decodes with its own threads only: ${asKvrError(error).message}\n`);
    }
  }
}
