/**
 * Sends workers the vocabulary that grammars need.
 */
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import { packVocabulary } from '../../grammar/vocabulary.js';
import type { Tokenizer } from '../../tokenizer/index.js';

export class VocabularySender {
  readonly #tokenizer: Tokenizer;
  readonly #told = new WeakSet<WorkerHandle>();
  #packed: Uint8Array<ArrayBuffer> | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Sends it once to every worker; the worker can compile grammars afterwards. */
  send(handle: WorkerHandle): void {
    if (this.#told.has(handle)) return;
    this.#told.add(handle);
    this.#packed ??= packVocabulary(this.#tokenizer);
    handle.send({ type: 'vocabulary', tokens: this.#tokenizer.vocabulary }, this.#packed);
  }
}
