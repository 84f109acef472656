/**
 * An answer that may be given by several runs of its request, one after the other, as its listeners hear it: each run goes on behind
 * the tokens of those before. Pure but for its clock.
 */
import type { GenerateEvent, GenerationResult } from '../output/generation.js';

type TokenEvent = Extract<GenerateEvent, { type: 'token' }>;

export class AnswerSoFar {
  readonly #clock: () => number;
  readonly #startMs: number;
  readonly #ids: number[] = [];
  #fraction = 0;
  #retries = 0;
  #hasPrompt = false;
  /** Tokens that were there when the run began. */
  #before = 0;
  #queueMs: number | undefined;
  #firstMs = 0;
  #lastMs = 0;
  /** When the last run failed, until the answer goes on. */
  #lostMs: number | undefined;
  #recoveryMs = 0;

  /** @param startMs when the request came, by the clock */
  constructor(startMs: number, clock: () => number = () => performance.now()) {
    this.#startMs = startMs;
    this.#clock = clock;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  /** Whether the run has added to the answer. */
  get hasGrown(): boolean {
    return this.#ids.length > this.#before;
  }

  /** The request was handed to a chain. */
  handedOver(): void {
    this.#queueMs ??= this.#clock() - this.#startMs;
  }

  /** The run has failed, and another follows. */
  startOver(): void {
    this.#retries++;
    this.#before = this.#ids.length;
    this.#lostMs ??= this.#clock();
  }

  /** @returns what listeners are to hear of it */
  next(event: GenerateEvent): GenerateEvent | undefined {
    switch (event.type) {
      case 'prefill':
        return this.#prefill(event);
      case 'promptLogprobs':
        return this.#promptLogprobs(event);
      case 'token':
        return event.isRest ? event : this.#token(event);
      case 'done':
        this.#goesOn();
        return { type: 'done', result: this.#result(event.result) };
    }
  }

  /** Progress never goes back; timelines of later runs are in the result. */
  #prefill(event: Extract<GenerateEvent, { type: 'prefill' }>): GenerateEvent | undefined {
    if (this.#ids.length > 0 || event.fraction < this.#fraction) return undefined;
    this.#fraction = event.fraction;
    return this.#retries === 0 ? event : { type: 'prefill', fraction: event.fraction };
  }

  /** Of a run that was lost before its first token they may have been heard. */
  #promptLogprobs(event: GenerateEvent): GenerateEvent | undefined {
    if (this.#hasPrompt) return undefined;
    this.#hasPrompt = true;
    return event;
  }

  #token(event: TokenEvent): TokenEvent {
    this.#lastMs = this.#clock();
    if (this.#ids.length === 0) this.#firstMs = this.#lastMs;
    this.#ids.push(event.id);
    const recoveredMs = this.#goesOn();
    return recoveredMs === undefined ? event : { ...event, recoveredMs };
  }

  /** @returns how long the answer stood still, where it did */
  #goesOn(): number | undefined {
    if (this.#lostMs === undefined) return undefined;
    const recoveredMs = this.#clock() - this.#lostMs;
    this.#recoveryMs += recoveredMs;
    this.#lostMs = undefined;
    return recoveredMs;
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
      recoveries: this.#retries,
      recoveryMs: this.#recoveryMs,
      queueMs,
      ttftMs: completionTokens > 0 ? this.#firstMs - this.#startMs - queueMs : result.ttftMs,
      decodeTokensPerSecond: completionTokens > 1 ? (completionTokens - 1) / decodeS : null,
    };
  }
}
