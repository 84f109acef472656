/**
 * Embeddings of many inputs: each is a request of its own, which goes through the same queue and over the same chain as a prompt,
 * but is pooled instead of answered. A few are with the engine at once; the first that fails ends them all.
 */
import { KvrError } from '../../core/errors.js';
import type { Pooling } from '../../core/request.js';
import type { LoadedModel } from '../load/load.js';
import { parseOptions } from '../options/parse-options.js';
import { Deadline } from '../queue/deadline.js';
import { Batch, type Generate, type Pooled } from './batch.js';
import {
  type EmbedRequest,
  embedRequestSchema,
  type EmbedResult,
  MAX_EMBED_INPUTS,
} from './embed-request.js';
import { vectorOf } from './vector.js';

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
