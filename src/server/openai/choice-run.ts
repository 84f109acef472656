/**
 * Runs all answers of one request at once and hands their events on as one sequence; the first that fails ends them
 * all. Keeps the ledger. Knows nothing of HTTP but the signal of a client that leaves.
 */
import { AsyncQueue } from '../../engine/chain/async-queue.js';
import type { GenerateEvent, GenerationResult } from '../../engine/output/generation.js';
import { Answer, type AnswerPart } from './answer.js';
import type { ParsedRequest, Choice } from './parsed-request.js';
import type { ServerContext } from '../http/context.js';
import type { LedgerEntry } from '../requests/ledger.js';
import { entryOf, type LogprobEntry } from './logprobs.js';

export type ChoiceEvent = {
  readonly index: number;
  readonly event: GenerateEvent;
  /** Where probabilities were asked for, and the token has text. */
  readonly entry?: LogprobEntry | undefined;
  /** What the event makes certain of the answer. */
  readonly parts: readonly AnswerPart[];
};

export class ChoiceRun {
  readonly id: string;
  readonly ask: ParsedRequest;
  readonly events = new AsyncQueue<ChoiceEvent>();
  /** Share of the prompt phase that is done, the least of all choices; undefined while one of them is queued. */
  fraction: number | undefined;
  readonly results: GenerationResult[] = [];
  /** By choice. */
  readonly answers: readonly Answer[];
  /** By choice, in the order of the tokens; undefined where they were not asked for. */
  readonly entries: (LogprobEntry[] | undefined)[];
  readonly #server: ServerContext;
  readonly #fractions: (number | undefined)[];

  constructor(id: string, ask: ParsedRequest, server: ServerContext) {
    this.id = id;
    this.ask = ask;
    this.#server = server;
    this.#fractions = ask.choices.map(() => undefined);
    this.answers = ask.choices.map(() => new Answer(ask.toolUse, server.engine.model.eosIds));
    this.entries = ask.choices.map(({ request }) =>
      request.sampling?.topLogprobs === undefined ? undefined : [],
    );
  }

  /** Runs to the end; `events` tells of it, its errors too. @param client aborted when the client leaves */
  async run(client: AbortSignal): Promise<void> {
    const { choices } = this.ask;
    try {
      const { signal, abort, leave } = this.#server.running.enter(client);
      let failure: { readonly error: unknown } | undefined;
      const onError = (error: unknown): void => {
        failure ??= { error };
        abort();
      };
      const runs = choices.map((choice, index) => this.#runOne(choice, index, signal).catch(onError));
      // All have ended before the request counts as over, so that none outlives it.
      await Promise.all(runs).finally(leave);
      if (failure) throw failure.error;
      this.events.end();
    } catch (error) {
      this.events.fail(this.#server.running.reasonOf(error) as Error);
    }
  }

  async #runOne({ request, promptTokens }: Choice, index: number, signal: AbortSignal): Promise<void> {
    const { ledger, engine, running } = this.#server;
    const id = index === 0 ? this.id : `${this.id}-${index}`;
    const entry = ledger.begin(id, this.ask.kind, promptTokens);
    try {
      for await (const event of engine.generate({ ...request, signal })) this.#take(event, index, entry);
    } catch (error) {
      entry.onError(error, signal.aborted && !running.isClosing);
      throw error;
    }
  }

  #take(event: GenerateEvent, index: number, entry: LedgerEntry): void {
    entry.onEvent(event);
    if (event.type === 'done') this.results[index] = event.result;
    else {
      this.#fractions[index] = event.type === 'prefill' ? event.fraction : 1;
      this.fraction = leastOf(this.#fractions);
    }
    const parts = this.answers[index]?.take(event) ?? [];
    this.events.push({ index, event, parts, entry: this.#entryOf(event, index) });
  }

  #entryOf(event: GenerateEvent, index: number): LogprobEntry | undefined {
    const before = this.entries[index];
    if (!before || event.type !== 'token' || !event.logprobs) return undefined;
    const last = before.at(-1);
    const offset = last ? last.offset + last.token.length : 0;
    const entry = entryOf(event.id, event.logprobs, this.#server.engine.model.tokenizer, offset);
    if (entry) before.push(entry);
    return entry;
  }
}

function leastOf(fractions: readonly (number | undefined)[]): number | undefined {
  const known = fractions.filter((fraction) => fraction !== undefined);
  return known.length < fractions.length ? undefined : Math.min(...known);
}
