/**
 * What a model itself thinks of tokens: logarithms of probabilities, from logits that nothing has changed yet.
 */
import { argmax } from './candidates.js';

export type Logprobs = {
  /** The likeliest, best first. */
  readonly top: { readonly id: number; readonly logprob: number }[];
  readonly logprobOf: (id: number) => number;
};

/** @param logits [vocabulary]; a copy is kept, so they may change afterwards. @param count of the likeliest */
export function logprobsOf(logits: Float32Array, count: number): Logprobs {
  const own = logits.slice();
  const best = own[argmax(own)] as number;
  const total = own.reduce((sum, logit) => sum + Math.exp(logit - best), 0);
  const shift = best + Math.log(total);
  // A token that is ruled out has no finite one, which JSON could not tell.
  const logprobOf = (id: number): number => Math.max((own[id] as number) - shift, -Number.MAX_VALUE);
  return { top: likeliest(own, count).map((id) => ({ id, logprob: logprobOf(id) })), logprobOf };
}

/** Ids of the `count` largest, best first, of equals the smaller id: one pass, and a short list that is kept sorted. */
function likeliest(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    const last = ids[count - 1];
    if (count === 0 || (last !== undefined && logit <= (logits[last] as number))) continue;
    const at = ids.findIndex((other) => logit > (logits[other] as number));
    ids.splice(at < 0 ? ids.length : at, 0, id);
    ids.length = Math.min(ids.length, count);
  }
  return ids;
}
