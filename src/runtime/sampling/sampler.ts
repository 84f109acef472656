/**
 * Chooses the next token from logits, in the order users know: penalties and bias, what a grammar allows, temperature,
 * top-k, top-p, min-p, draw. Remembers which tokens were seen. Ties go to the smaller id, so greedy is the same everywhere.
 */
import type { Sampling, TokenLogprobs } from '../../core/sampling.js';
import { checkNumbers } from './check-numbers.js';
import { argmax, drawCandidate } from './candidates.js';
import { logprobsOf } from './logprobs.js';
import { seededRandom } from '../../core/random.js';

export type Choice = { readonly id: number; readonly logprobs?: TokenLogprobs };

/** What an answer is held to: grammar/matcher.ts. */
export type Constraint = {
  /** Sets the logits of tokens that may not come next to -Infinity. */
  restrict(logits: Float32Array): void;
  accept(id: number): void;
};

export class Sampler {
  readonly #sampling: Sampling;
  /** For the repetition penalty: tokens of prompt and answer. */
  readonly #seen: Set<number>;
  /** For the other two: how often the answer has a token. */
  readonly #counts = new Map<number, number>();
  readonly #bias: readonly (readonly [id: number, bias: number])[];
  readonly #random: () => number;
  readonly #constraint: Constraint | undefined;

  /** @param promptIds tokens that count as seen for the repetition penalty. */
  constructor(sampling: Sampling, promptIds: Iterable<number>, constraint?: Constraint) {
    this.#constraint = constraint;
    this.#sampling = sampling;
    this.#seen = new Set(sampling.repetitionPenalty === 1 ? [] : promptIds);
    this.#bias = Object.entries(sampling.logitBias).map(([id, bias]) => [Number(id), bias]);
    this.#random = seededRandom(sampling.seed);
  }

  /** @param logits [vocabulary] f32; changed in place where a penalty, a bias or a constraint is on. @throws BAD_CHECKPOINT where they are no numbers, and as the constraint */
  next(logits: Float32Array): Choice {
    checkNumbers(logits);
    const { temperature, topLogprobs } = this.#sampling;
    const told = topLogprobs === undefined ? undefined : logprobsOf(logits, topLogprobs);
    this.#change(logits);
    this.#constraint?.restrict(logits);
    const id = temperature === 0 ? argmax(logits) : drawCandidate(logits, this.#sampling, this.#random());
    this.#remember(id);
    this.#constraint?.accept(id);
    return told ? { id, logprobs: { logprob: told.logprobOf(id), top: told.top } } : { id };
  }

  /** Takes up an answer that another sampler has begun: the next choice is the one that it would have made. @throws as the constraint */
  takeUp(ids: Iterable<number>): void {
    for (const id of ids) {
      // As many numbers are drawn as there were choices.
      if (this.#sampling.temperature !== 0) this.#random();
      this.#remember(id);
      this.#constraint?.accept(id);
    }
  }

  /** Only tokens that were seen or named are touched, whatever the vocabulary's size. */
  #change(logits: Float32Array): void {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.#sampling;
    for (const id of this.#seen) {
      const value = logits[id];
      if (value !== undefined) logits[id] = value > 0 ? value / repetitionPenalty : value * repetitionPenalty;
    }
    for (const [id, count] of this.#counts)
      logits[id] = (logits[id] as number) - count * frequencyPenalty - presencePenalty;
    // An id beyond the vocabulary has no logit.
    for (const [id, bias] of this.#bias) if (id < logits.length) logits[id] = (logits[id] as number) + bias;
  }

  #remember(id: number): void {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.#sampling;
    if (repetitionPenalty !== 1) this.#seen.add(id);
    if (frequencyPenalty !== 0 || presencePenalty !== 0)
      this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }
}
