/**
 * The extension phase: the last rank goes on from the cache it already holds, one token at a time.
 */
import type { Model } from '../runtime/model.js';
import { rotaryTable } from '../runtime/rotary.js';
import { Sampler } from '../runtime/sampler.js';
import type { ActiveRequest, Desk } from './desk.js';

/**
 * Chooses and reports tokens until an end token, the limit, or a cancel.
 * @param logits after the prompt, [vocabulary]
 */
export async function runDecode(
  model: Model,
  request: ActiveRequest,
  logits: Float32Array,
  desk: Desk,
): Promise<'stop' | 'length'> {
  const { job, contextTokens } = request;
  const sampler = new Sampler(job.sampling, job.ids);
  for (let index = 0; ; index++) {
    const first = job.wantLogits && index === 0 ? { logits: Float32Array.from(logits) } : {};
    const id = sampler.next(logits);
    desk.tell({ type: 'token', request: job.request, index, id, ...first });
    if (job.eosIds.includes(id)) return 'stop';
    if (index + 1 >= job.maxTokens) return 'length';
    logits = await nextLogits(model, request, contextTokens + index, id, desk);
  }
}

/** Runs the token at `position` through all layers → logits [vocabulary] for the one after it. */
async function nextLogits(
  model: Model,
  request: ActiveRequest,
  position: number,
  id: number,
  desk: Desk,
): Promise<Float32Array> {
  const { cache } = request;
  const rotary = rotaryTable(model.shape, position, position + 1);
  let hidden = await model.embed(Int32Array.of(id));
  let attended: Float32Array | undefined;
  for (let layer = 0; layer < model.shape.layers; layer++) {
    desk.look(request);
    const output = await model.block(layer, attended ? { hidden, attended } : { hidden }, rotary, 0);
    cache.write(layer, position, output.keys, output.values);
    attended = await model.attendRow(cache, layer, position + 1, output.queries);
    hidden = output.hidden;
  }
  return model.logits(hidden, attended as Float32Array);
}
