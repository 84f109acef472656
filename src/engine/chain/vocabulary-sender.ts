/**
 * The vocabulary that grammars are about, on its way to the workers.
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

  /** Once for every worker; grammars can be compiled there afterwards. */
  send(handle: WorkerHandle): void {
    if (this.#told.has(handle)) return;
    this.#told.add(handle);
    this.#packed ??= packVocabulary(this.#tokenizer);
    handle.send({ type: 'vocabulary', tokens: this.#tokenizer.vocabulary }, this.#packed);
  }
}
