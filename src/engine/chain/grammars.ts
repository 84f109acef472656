/**
 * Grammars on their way to the workers: read and tried out before a request is let in, and the vocabulary that they
 * are about, told to each worker once.
 */
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import { KvrError } from '../../core/errors.js';
import { compileGrammar, type Grammar } from '../../grammar/grammar.js';
import { packVocabulary } from '../../grammar/vocabulary.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import type { ChainSpec } from './chain-spec.js';
import type { GenerateSettings } from '../options/options.js';

/** @returns what an answer is held to; undefined where it is free. @throws BAD_INPUT */
export function readGrammar({ grammar, jsonSchema }: GenerateSettings): Grammar | undefined {
  if (grammar !== undefined && jsonSchema !== undefined)
    throw new KvrError('BAD_INPUT', 'give one of grammar and jsonSchema; both were given');
  const given: Grammar | undefined =
    jsonSchema === undefined ? grammar : { type: 'json', schema: jsonSchema };
  // The workers compile it again; here it shows whether they can.
  if (given !== undefined) compileGrammar(given);
  return given;
}

export class VocabularySender {
  readonly #tokenizer: Tokenizer;
  readonly #told = new WeakSet<WorkerHandle>();
  #packed: Uint8Array<ArrayBuffer> | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** A grammar as a chain takes it: the vocabulary goes before. */
  before(rules: Grammar): NonNullable<ChainSpec['grammar']> {
    return { rules, prepare: (handle) => this.#send(handle) };
  }

  #send(handle: WorkerHandle): void {
    if (this.#told.has(handle)) return;
    this.#told.add(handle);
    this.#packed ??= packVocabulary(this.#tokenizer);
    handle.send({ type: 'vocabulary', tokens: this.#tokenizer.vocabulary }, this.#packed);
  }
}
