/**
 * Chooses the next token from logits, in the order users know: repetition penalty, temperature, top-k, top-p,
 * min-p, draw. Remembers which tokens were seen. Ties go to the smaller id, so greedy is the same everywhere.
 */
import type { Sampling } from '../core/sampling.js';
import { seededRandom } from './random.js';

/** Tokens whose scaled logit lies this far under the best have a probability under 1e-13: below f32's own noise. */
const NEGLIGIBLE_GAP = 30;

type Candidate = { readonly id: number; probability: number };

export class Sampler {
  readonly #sampling: Sampling;
  readonly #seen: Set<number>;
  readonly #random: () => number;

  /** @param promptIds tokens that count as seen for the repetition penalty. */
  constructor(sampling: Sampling, promptIds: Iterable<number>) {
    this.#sampling = sampling;
    this.#seen = new Set(sampling.repetitionPenalty === 1 ? [] : promptIds);
    this.#random = seededRandom(sampling.seed);
  }

  /** @param logits [vocabulary] f32; changed in place when a penalty is on. */
  next(logits: Float32Array): number {
    penalize(logits, this.#seen, this.#sampling.repetitionPenalty);
    const id = this.#sampling.temperature === 0 ? argmax(logits) : this.#draw(logits);
    if (this.#sampling.repetitionPenalty !== 1) this.#seen.add(id);
    return id;
  }

  #draw(logits: Float32Array): number {
    const { temperature, topK, topP, minP } = this.#sampling;
    const candidates = softmaxCandidates(logits, temperature, topK);
    return drawFrom(keepMinP(keepTopP(candidates, topP), minP), this.#random());
  }
}

/** The index of the largest value; the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}

function penalize(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): void {
  for (const id of seen) {
    const value = logits[id];
    if (value !== undefined) logits[id] = value > 0 ? value / penalty : value * penalty;
  }
}

/** The likeliest tokens, best first, with probabilities that add up to 1 after top-k. */
function softmaxCandidates(logits: Float32Array, temperature: number, topK: number): Candidate[] {
  const best = logits[argmax(logits)] as number;
  const floor = best - NEGLIGIBLE_GAP * temperature;
  const candidates: Candidate[] = [];
  logits.forEach((logit, id) => {
    if (logit >= floor) candidates.push({ id, probability: Math.exp((logit - best) / temperature) });
  });
  candidates.sort((a, b) => b.probability - a.probability || a.id - b.id);
  return normalize(topK > 0 ? candidates.slice(0, topK) : candidates);
}

function keepTopP(candidates: Candidate[], topP: number): Candidate[] {
  if (topP >= 1) return candidates;
  let reached = 0;
  const needed = candidates.findIndex((candidate) => (reached += candidate.probability) >= topP);
  return needed < 0 ? candidates : normalize(candidates.slice(0, needed + 1));
}

function keepMinP(candidates: Candidate[], minP: number): Candidate[] {
  const floor = minP * (candidates[0]?.probability ?? 0);
  return normalize(candidates.filter((candidate) => candidate.probability >= floor));
}

function normalize(candidates: Candidate[]): Candidate[] {
  const total = candidates.reduce((sum, candidate) => sum + candidate.probability, 0);
  for (const candidate of candidates) candidate.probability /= total;
  return candidates;
}

function drawFrom(candidates: readonly Candidate[], uniform: number): number {
  let left = uniform;
  for (const { id, probability } of candidates) {
    left -= probability;
    if (left < 0) return id;
  }
  // Rounding may leave a sliver above the last candidate.
  return candidates[candidates.length - 1]?.id ?? 0;
}
