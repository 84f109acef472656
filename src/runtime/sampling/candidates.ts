/**
 * Draws one token of those that temperature, top-k, top-p and min-p leave. Works on plain arrays of numbers and sorts
 * only what may be left, so that a step costs little more than reading the logits once.
 */
import type { Sampling } from '../../core/sampling.js';

/** Tokens whose scaled logit lies this far under the best have a probability under 1e-13: below f32's own noise. */
const NEGLIGIBLE_GAP = 30;

/** Ids and their weights, which are in proportion to probabilities. */
type Candidates = { readonly ids: number[]; readonly weights: number[] };

/** The index of the largest value; the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}

/** @param uniform in [0, 1). @returns a token's id */
export function drawCandidate(
  logits: Float32Array,
  { temperature, topK, topP, minP }: Pick<Sampling, 'temperature' | 'topK' | 'topP' | 'minP'>,
  uniform: number,
): number {
  let left = weigh(logits, temperature);
  if (topK > 0 && topK < left.ids.length) left = first(sorted(left), topK);
  if (topP < 1) left = reaching(left, topP);
  if (minP > 0) left = atLeast(left, minP * largest(left.weights));
  return drawFrom(left, uniform);
}

/** All tokens that count, in order of their ids; the best weighs 1. */
function weigh(logits: Float32Array, temperature: number): Candidates {
  const best = logits[argmax(logits)] as number;
  const floor = best - NEGLIGIBLE_GAP * temperature;
  const ids: number[] = [];
  const weights: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (logit < floor) continue;
    ids.push(id);
    weights.push(Math.exp((logit - best) / temperature));
  }
  return { ids, weights };
}

/** The likeliest whose weights reach topP of all. What is lighter than an equal share of the rest can not be of them. */
function reaching(candidates: Candidates, topP: number): Candidates {
  const total = sum(candidates.weights);
  if (topP === 0) return first(sorted(candidates), 1);
  const heavy = sorted(atLeast(candidates, ((1 - topP) * total) / candidates.ids.length));
  let reached = 0;
  const needed = heavy.weights.findIndex((weight) => (reached += weight) >= topP * total);
  return needed < 0 ? heavy : first(heavy, needed + 1);
}

function atLeast({ ids, weights }: Candidates, floor: number): Candidates {
  const kept = weights.map((weight) => weight >= floor);
  return { ids: ids.filter((_, i) => kept[i]), weights: weights.filter((_, i) => kept[i]) };
}

/** Best first; of equals the smaller id. */
function sorted({ ids, weights }: Candidates): Candidates {
  const order = ids.map((_, i) => i);
  order.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  return { ids: order.map((i) => ids[i] as number), weights: order.map((i) => weights[i] as number) };
}

function first({ ids, weights }: Candidates, count: number): Candidates {
  return { ids: ids.slice(0, count), weights: weights.slice(0, count) };
}

function drawFrom({ ids, weights }: Candidates, uniform: number): number {
  let left = uniform * sum(weights);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return ids[i] as number;
  }
  // Rounding may leave a sliver above the last candidate.
  return ids[ids.length - 1] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
