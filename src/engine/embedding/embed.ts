/**
 * Embeddings of many inputs: each is a request of its own, which goes through the same queue and over the same chain as a prompt,
 * but is pooled instead of answered. A few are with the engine at once; the first that fails ends them all.
 */
import { KvrError } from '../../core/errors.js';
import type { Pooling } from '../../core/request.js';
import type { LoadedModel } from '../load/load.js';
import { parseOptions } from '../options/parse-options.js';
import type { GenerateRequest } from '../options/request.js';
import type { GenerateEvent, GenerationResult } from '../output/generation.js';
import { Deadline } from '../queue/deadline.js';
import {
  type EmbedInput,
  type EmbedRequest,
  embedRequestSchema,
  type EmbedResult,
  MAX_EMBED_INPUTS,
} from './embed-request.js';
import { vectorOf } from './vector.js';

/** One request shall not take the places of many. */
const MAX_INPUTS_AT_ONCE = 8;

type Generate = (request: GenerateRequest) => AsyncIterable<GenerateEvent>;

/** @throws BAD_INPUT, UNSUPPORTED_MODEL where the checkpoint asks for what is not done here, and as `generate` */
export async function embed(
  { inputs, signal, onProgress, ...given }: EmbedRequest,
  model: Pick<LoadedModel, 'shape' | 'embeddingRecipe'>,
  generate: Generate,
): Promise<EmbedResult> {
  const startMs = performance.now();
  const {
    pooling: asked,
    normalize,
    dimensions,
    deadlineMs,
    ...shared
  } = parseOptions(embedRequestSchema, given, 'request');
  checkInputs(inputs);
  checkDimensions(dimensions, model);
  const { pooling, isNormalized } = chosen(model, asked, normalize);
  const batch = new Batch(inputs, generate, {
    request: { ...shared, pooling, maxTokens: 1, prefixCache: false },
    deadline: new Deadline(deadlineMs),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const results = await batch.run();
  checkWidth(results, model);
  return {
    embeddings: results.map(({ pooled }) => vectorOf(pooled, { dimensions, isNormalized })),
    promptTokens: results.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    pooling,
    isNormalized,
    queueMs: Math.min(...results.map(({ queueMs }) => queueMs)),
    totalMs: performance.now() - startMs,
  };
}

/** @throws BAD_INPUT */
function checkInputs(inputs: unknown): void {
  const count = Array.isArray(inputs) ? inputs.length : 0;
  if (count >= 1 && count <= MAX_EMBED_INPUTS) return;
  const message = `inputs must be a list of 1 to ${MAX_EMBED_INPUTS} texts or lists of token ids; ${count} were given`;
  throw new KvrError('BAD_INPUT', message, { param: 'input' });
}

/** @throws BAD_INPUT */
function checkDimensions(dimensions: number | undefined, { shape }: Pick<LoadedModel, 'shape'>): void {
  if (dimensions === undefined || dimensions <= shape.hidden) return;
  const message = `dimensions is ${dimensions}, but the model's embeddings have ${shape.hidden}; ask for at most as many`;
  throw new KvrError('BAD_INPUT', message, { param: 'dimensions' });
}

/** @throws UNSUPPORTED_MODEL, unless the request says itself what to do */
function chosen(
  { embeddingRecipe: recipe }: Pick<LoadedModel, 'embeddingRecipe'>,
  pooling: Pooling | undefined,
  normalize: boolean | undefined,
): { readonly pooling: Pooling; readonly isNormalized: boolean } {
  if (recipe?.kind === 'unsupported' && pooling === undefined) {
    const message = `embeddings of this model are not made here, since ${recipe.reason}; use another model, or ask for pooling last or mean`;
    throw new KvrError('UNSUPPORTED_MODEL', message);
  }
  const own = recipe?.kind === 'pooled' ? recipe : undefined;
  return {
    pooling: pooling ?? own?.pooling ?? 'last',
    isNormalized: normalize ?? own?.isNormalized ?? true,
  };
}

/** @throws PROTOCOL */
function checkWidth(results: readonly Pooled[], { shape: { hidden } }: Pick<LoadedModel, 'shape'>): void {
  const other = results.find(({ pooled }) => pooled.length !== hidden);
  if (other === undefined) return;
  const message = `workers sent pooled rows of ${other.pooled.length} numbers, the model's have ${hidden}; start workers of this version`;
  throw new KvrError('PROTOCOL', message);
}

type Pooled = Pick<GenerationResult, 'promptTokens' | 'queueMs'> & { readonly pooled: Float32Array };

type BatchOptions = {
  /** What all inputs share. */
  readonly request: GenerateRequest;
  readonly deadline: Deadline;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
};

class Batch {
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
