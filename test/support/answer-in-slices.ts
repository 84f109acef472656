/**
 * A prompt and its greedy answer on a model that is open in this process, without workers: slice by slice into one cache.
 */
import type { KvDtype } from '../../src/core/shape.js';
import type { BackendModel, CacheOptions } from '../../src/runtime/backend/backend.js';
import type { KvCache } from '../../src/runtime/backend/kv-cache.js';
import type { AttendedRows, StateRows } from '../../src/runtime/backend/rows.js';

/**
 * Greedy: the prompt slice by slice into one cache, and then a token at a time.
 * @param options of the cache; one that keeps windows only unless told
 */
export async function answerInSlices(
  model: BackendModel,
  prompt: readonly number[],
  sizes: readonly number[],
  steps: number,
  { kvDtype = 'f32', ...options }: CacheOptions & { readonly kvDtype?: KvDtype } = {},
) {
  const cache = await model.createCache(prompt.length + steps, kvDtype, { keepsWindows: true, ...options });
  let logits = new Float32Array();
  let start = 0;
  for (const size of sizes) {
    logits = await slice(model, cache, {
      ids: prompt.slice(start, start + size),
      start,
      promptTokens: prompt.length,
    });
    start += size;
  }
  const first = logits;
  const ids = [bestOf(logits)];
  while (ids.length < steps) {
    logits = await decode(model, cache, {
      id: ids.at(-1) as number,
      position: start++,
      promptTokens: prompt.length,
    });
    ids.push(bestOf(logits));
  }
  cache.close();
  return { ids, logits: first };
}

type SliceOfPrompt = {
  readonly ids: readonly number[];
  readonly start: number;
  readonly promptTokens: number;
};

/** @returns the logits after the slice's last token */
async function slice(
  model: BackendModel,
  cache: KvCache,
  { ids, start, promptTokens }: SliceOfPrompt,
): Promise<Float32Array<ArrayBuffer>> {
  let rows: StateRows = await model.embed(Int32Array.from(ids), { positions: start, promptTokens });
  let attended: AttendedRows | undefined;
  for (let layer = 0; layer < model.shape.layers; layer++) {
    rows = await model.block(layer, rows, attended && { attended });
    const own = await model.takeKv(rows, cache.kvDtype);
    if (!cache.takesRowsLate(layer)) await cache.write(layer, start, own);
    attended = await model.attendSlice(rows, { cache, layer, start });
  }
  const all = await model.logits(rows, attended as AttendedRows);
  return all.slice(all.length - model.shape.vocabulary);
}

async function decode(
  model: BackendModel,
  cache: KvCache,
  {
    id,
    position,
    promptTokens,
  }: { readonly id: number; readonly position: number; readonly promptTokens: number },
): Promise<Float32Array<ArrayBuffer>> {
  let rows: StateRows = await model.embed(Int32Array.of(id), { positions: [position], promptTokens });
  let attended: AttendedRows | undefined;
  for (let layer = 0; layer < model.shape.layers; layer++) {
    rows = await model.block(layer, rows, attended && { attended });
    attended = await model.attendEach(rows, layer, [{ cache, position }]);
  }
  return (await model.logits(rows, attended as AttendedRows)).slice();
}

function bestOf(logits: Float32Array): number {
  return logits.reduce((best, logit, id) => (logit > (logits[best] as number) ? id : best), 0);
}
