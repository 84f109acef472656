/**
 * Prepares requests of anybody: small ones on the spot with small limits, all others, and those that need more, on
 * threads that can be ended. So ordinary requests wait for no thread, and none can hold the one that serves all.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { KvrError } from '../../core/errors.js';
import { type Grammar, requireSize } from '../../grammar/grammar.js';
import { requireRoom, type TokenizerSource } from '../../tokenizer/index.js';
import { AcceptedGrammar } from './accepted-grammar.js';
import * as limits from './limits.js';
import { PoolThread, type ThreadLimits, type Timer } from './pool-thread.js';
import type { PromptText, RequestPreparation } from './preparation.js';
import type { PreparationThreadSetup } from './preparation-thread.js';
import { prepare, type PreparationModel, type PreparationTask, type Prepared } from './prepare.js';
import { taskChars, taskWords } from './task-size.js';
import { type PoolLimits, ThreadPool } from './thread-pool.js';

export class ThreadPreparation implements RequestPreparation {
  readonly #model: PreparationModel;
  readonly #pool: ThreadPool<Prepared>;
  /** What of them is not held, by the digests of those that were accepted, the last used last. */
  readonly #known = new Map<string, readonly string[]>();
  #isClosed = false;

  /** @param source from which each thread reads the tokenizer anew. @param changed limits and timer, for tests */
  constructor(
    model: PreparationModel,
    source: TokenizerSource,
    changed: Partial<PoolLimits> & { readonly timer?: Timer } = {},
  ) {
    const { timer, ...given } = changed;
    const setup: PreparationThreadSetup = { source, contextTokens: model.contextTokens };
    const open = (bounds: ThreadLimits): PoolThread => new PoolThread(threadEntry(), setup, bounds, timer);
    this.#model = model;
    this.#pool = new ThreadPool(open, { ...poolLimits(source), ...given });
  }

  async promptIds(prompt: PromptText, signal?: AbortSignal): Promise<Int32Array> {
    return (await this.#prepare(prompt, signal)).ids;
  }

  async accept(
    grammar: Grammar,
    signal?: AbortSignal,
    parts: readonly Grammar[] = [],
  ): Promise<AcceptedGrammar> {
    for (const one of [grammar, ...parts]) requireSize(one);
    const digest = createHash('sha256').update(JSON.stringify(grammar)).digest('base64');
    const grammars = [...parts, grammar];
    const known = this.#known.get(digest);
    const loosened = known ?? (await this.#prepare({ kind: 'grammar', grammars }, signal)).loosened;
    this.#remember(digest, loosened);
    return new AcceptedGrammar(grammar, loosened);
  }

  warm(): void {
    this.#pool.warm();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.close();
  }

  async #prepare(task: PreparationTask, signal?: AbortSignal): Promise<Prepared> {
    if (this.#isClosed) throw new KvrError('CLOSED', 'the engine was closed');
    if (signal?.aborted) throw new KvrError('CANCELLED', 'request was cancelled while it was prepared');
    // What is certainly too long goes no further.
    if (task.kind === 'text')
      requireRoom(task.text, this.#model.tokenizer.maxTokenChars, this.#model.contextTokens);
    const size = taskChars(task, limits.MAX_CHARS_AT_ONCE);
    const onTheSpot = size <= limits.SMALL_CHARS ? this.#small(task) : undefined;
    return onTheSpot ?? this.#pool.run({ message: task, size, words: taskWords(task) }, signal);
  }

  /** @returns undefined where small limits do not do */
  #small(task: PreparationTask): Prepared | undefined {
    try {
      return prepare(task, this.#model, limits.SMALL_LIMITS);
    } catch (error) {
      if (error instanceof KvrError && error.fields['budget'] !== undefined) return undefined;
      throw error;
    }
  }

  #remember(digest: string, loosened: readonly string[]): void {
    this.#known.delete(digest);
    this.#known.set(digest, loosened);
    const [oldest] = this.#known.keys();
    if (this.#known.size > limits.MAX_GRAMMARS_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

function poolLimits({ bytes }: TokenizerSource): PoolLimits {
  const tokenizerMb = Math.ceil((bytes * limits.HEAP_PER_TOKENIZER_BYTE) / 2 ** 20);
  return {
    threads: limits.MAX_THREADS,
    waiting: limits.MAX_TASKS_WAITING,
    size: limits.MAX_CHARS_AT_ONCE,
    timeMs: limits.TASK_TIME_MS,
    startMs: limits.START_TIME_MS,
    heapMb: limits.PROGRAM_HEAP_MB + tokenizerMb + limits.TASK_HEAP_MB,
    youngHeapMb: limits.YOUNG_HEAP_MB,
    taskHeapMb: limits.TASK_HEAP_MB,
  };
}

/** Sources that are run without being built have none beside them. */
function threadEntry(): URL {
  const beside = new URL('./preparation-thread.js', import.meta.url);
  return existsSync(beside)
    ? beside
    : new URL('../../../dist/engine/preparation/preparation-thread.js', import.meta.url);
}
