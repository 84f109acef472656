/**
 * The events of a request that may have to be run more than once, as one answer: the same request gives the same tokens on any
 * workers, so what was said before is left out of the next run, and the answer goes on where it stood. Pure but for its clock.
 */
import { KvrError } from '../../core/errors.js';
import type { GenerateEvent, GenerationResult } from '../output/generation.js';

export class ReplayedEvents {
  readonly #clock: () => number;
  readonly #startMs: number;
  readonly #said: number[] = [];
  #fraction = 0;
  #retries = 0;
  /** Tokens of this run. */
  #seen = 0;
  #queueMs: number | undefined;
  #firstMs = 0;
  #lastMs = 0;

  /** @param startMs when the request came, by the clock */
  constructor(startMs: number, clock: () => number = () => performance.now()) {
    this.#startMs = startMs;
    this.#clock = clock;
  }

  /** The request was handed to a chain. */
  handedOver(): void {
    this.#queueMs ??= this.#clock() - this.#startMs;
  }

  /** The run has failed, and another follows. */
  startOver(): void {
    this.#retries++;
    this.#seen = 0;
  }

  /** @returns what listeners have not heard yet. @throws INTERNAL where a run gives other tokens than the one before */
  next(event: GenerateEvent): GenerateEvent | undefined {
    switch (event.type) {
      case 'prefill':
        return this.#prefill(event);
      case 'token':
        return event.isRest || this.#isNew(event.id) ? event : undefined;
      case 'done':
        return { type: 'done', result: this.#result(event.result) };
    }
  }

  /** Progress never goes back; timelines of later runs are in the result. */
  #prefill(event: Extract<GenerateEvent, { type: 'prefill' }>): GenerateEvent | undefined {
    if (this.#said.length > 0 || event.fraction < this.#fraction) return undefined;
    this.#fraction = event.fraction;
    return this.#retries === 0 ? event : { type: 'prefill', fraction: event.fraction };
  }

  #isNew(id: number): boolean {
    const said = this.#said[this.#seen++];
    if (said === id) return false;
    if (said !== undefined)
      throw new KvrError('INTERNAL', `token ${this.#seen} was ${said} and is ${id} after a retry`);
    this.#lastMs = this.#clock();
    if (this.#said.length === 0) this.#firstMs = this.#lastMs;
    this.#said.push(id);
    return true;
  }

  /** Times are those of the answer as it was heard. */
  #result(result: GenerationResult): GenerationResult {
    if (this.#retries === 0) return result;
    const { completionTokens } = result;
    const queueMs = this.#queueMs ?? 0;
    const decodeS = (this.#lastMs - this.#firstMs) / 1000;
    return {
      ...result,
      retries: this.#retries,
      queueMs,
      ttftMs: completionTokens > 0 ? this.#firstMs - this.#startMs - queueMs : result.ttftMs,
      decodeTokensPerSecond: completionTokens > 1 ? (completionTokens - 1) / decodeS : null,
    };
  }
}
