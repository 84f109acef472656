/**
 * Prepares requests on the spot: for programs with one user, whose own prompt it is, and for tests.
 */
import { KvrError } from '../../core/errors.js';
import type { Grammar } from '../../grammar/grammar.js';
import { AcceptedGrammar } from './accepted-grammar.js';
import { LIMITS } from './limits.js';
import type { PromptText, RequestPreparation } from './preparation.js';
import { prepare, type PreparationModel, type PreparationTask, type Prepared } from './prepare.js';

export class InlinePreparation implements RequestPreparation {
  readonly #model: PreparationModel;
  #isClosed = false;

  constructor(model: PreparationModel) {
    this.#model = model;
  }

  async promptIds(prompt: PromptText, signal?: AbortSignal): Promise<Int32Array> {
    return this.#prepare(prompt, signal).ids;
  }

  async accept(
    grammar: Grammar,
    signal?: AbortSignal,
    parts: readonly Grammar[] = [],
  ): Promise<AcceptedGrammar> {
    const { loosened } = this.#prepare({ kind: 'grammar', grammars: [...parts, grammar] }, signal);
    return new AcceptedGrammar(grammar, loosened);
  }

  warm(): void {
    // There is nothing to start.
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #prepare(task: PreparationTask, signal?: AbortSignal): Prepared {
    if (this.#isClosed) throw new KvrError('CLOSED', 'the engine was closed');
    if (signal?.aborted) throw new KvrError('CANCELLED', 'request was cancelled while it was prepared');
    return prepare(task, this.#model, LIMITS);
  }
}
