/**
 * The inputs of one request for embeddings on their way: a few are with the engine at once, and the first that fails ends them all.
 */
import { KvrError } from '../../core/errors.js';
import type { GenerateRequest } from '../options/request.js';
import type { GenerateEvent, GenerationResult } from '../output/generation.js';
import type { Deadline } from '../queue/deadline.js';
import type { EmbedInput } from './embed-request.js';

/** One request shall not take the places of many. */
const MAX_INPUTS_AT_ONCE = 8;

export type Generate = (request: GenerateRequest) => AsyncIterable<GenerateEvent>;

/** What is left of an input. */
export type Pooled = Pick<GenerationResult, 'promptTokens' | 'queueMs'> & { readonly pooled: Float32Array };

export type BatchOptions = {
  /** What all inputs share. */
  readonly request: GenerateRequest;
  readonly deadline: Deadline;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
};

export class Batch {
  readonly #inputs: readonly EmbedInput[];
  readonly #generate: Generate;
  readonly #options: BatchOptions;
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  readonly #results: Pooled[] = [];
  #failure: { readonly error: unknown } | undefined;
  /** Of all inputs, each from 0 to 1. */
  #done = 0;

  constructor(inputs: readonly EmbedInput[], generate: Generate, options: BatchOptions) {
    this.#inputs = inputs;
    this.#generate = generate;
    this.#options = options;
    const { signal } = options;
    this.#signal = signal ? AbortSignal.any([signal, this.#failed.signal]) : this.#failed.signal;
  }

  /** @returns in the order of the inputs; nothing is under way any more, also where it throws */
  async run(): Promise<readonly Pooled[]> {
    const waiting = this.#inputs.entries();
    await Promise.all(Array.from({ length: MAX_INPUTS_AT_ONCE }, () => this.#lane(waiting)));
    if (this.#failure) throw this.#failure.error;
    return this.#results;
  }

  async #lane(waiting: IterableIterator<[number, EmbedInput]>): Promise<void> {
    for (const [index, input] of waiting) {
      if (this.#failure) return;
      try {
        this.#results[index] = await this.#one(input);
      } catch (error) {
        this.#failure ??= { error };
        this.#failed.abort();
      }
    }
  }

  async #one(input: EmbedInput): Promise<Pooled> {
    const { request, deadline } = this.#options;
    const { leftMs } = deadline.left.deadline ?? {};
    let fraction = 0;
    for await (const event of this.#generate({
      ...request,
      ...promptOf(input),
      signal: this.#signal,
      // No time at all is no bound that a request can have; it ends as soon.
      ...(leftMs !== undefined && { deadlineMs: Math.max(1, Math.floor(leftMs)) }),
    })) {
      if (event.type === 'done') return this.#end(event.result, fraction);
      if (event.type !== 'prefill') continue;
      this.#advance(event.fraction - fraction);
      fraction = event.fraction;
    }
    throw new KvrError('INTERNAL', 'an embedding ended without a result');
  }

  #end({ pooled, promptTokens, queueMs }: GenerationResult, fraction: number): Pooled {
    if (!pooled) throw new KvrError('INTERNAL', 'an embedding ended without a pooled row');
    this.#advance(1 - fraction);
    return { pooled, promptTokens, queueMs };
  }

  #advance(more: number): void {
    this.#done += more;
    this.#options.onProgress?.(Math.min(1, this.#done / this.#inputs.length));
  }
}

function promptOf(input: EmbedInput): Pick<GenerateRequest, 'prompt' | 'promptIds'> {
  if (typeof input === 'string') return { prompt: input };
  return { promptIds: input instanceof Int32Array ? input : [...input] };
}
