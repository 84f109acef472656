/**
 * Runs all answers of one request at once and hands their events on as one sequence; the first that fails ends them
 * all. Keeps the ledger. Knows neither HTTP, but for the signal of a client that leaves, nor any API's words.
 */
import { randomInt } from 'node:crypto';
import { asKvrError, type KvrError } from '../../core/errors.js';
import { AsyncQueue } from '../../engine/chain/async-queue.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { GenerateEvent, GenerationResult } from '../../engine/output/generation.js';
import { isOpenAtEnd } from '../reasoning/reasoning-format.js';
import { requireServed } from '../model/named-engine.js';
import type { Ledger, LedgerEntry } from '../requests/ledger.js';
import { bad } from '../requests/refusal.js';
import type { RunningRequests } from '../requests/running.js';
import {
  MAX_CHOICES,
  MAX_CHOICES_AT_ONCE,
  type ServedEngine,
  type ServerSettings,
} from '../requests/settings.js';
import { Answer, type AnswerPart } from './answer.js';
import { answerLimit } from './answer-limit.js';
import type { ParsedRequest } from './parsed-request.js';

export type ChoiceEvent = {
  /** Which of the answers it is about. */
  readonly index: number;
  readonly event: GenerateEvent;
  /** What the event makes certain of the answer. */
  readonly parts: readonly AnswerPart[];
};

/** What a run needs of its server. */
type RunServer = {
  readonly engine: ServedEngine;
  readonly settings: Pick<ServerSettings, 'defaultMaxTokens' | 'isStrictModel' | 'aliases'>;
  readonly ledger: Ledger;
  readonly running: RunningRequests;
};

export class ChoiceRun<Parsed extends ParsedRequest = ParsedRequest> {
  readonly id: string;
  readonly parsed: Parsed;
  readonly engine: ServedEngine;
  readonly events = new AsyncQueue<ChoiceEvent>();
  readonly answers: readonly Answer[];
  /** Why it failed, once it has. */
  failure: KvrError | undefined;
  readonly #server: RunServer;
  readonly #requests: readonly GenerateRequest[];
  #cancel = (): void => undefined;

  /** @param deadlineMs for each answer. @param client who asks. @throws BAD_INPUT, NOT_FOUND where it asks for another model */
  constructor(id: string, parsed: Parsed, server: RunServer, deadlineMs: number, client?: string) {
    this.id = id;
    this.parsed = parsed;
    this.engine = server.engine;
    this.#server = server;
    this.#requests = engineRequests(parsed, server, { deadlineMs, client });
    this.answers = this.#requests.map((_, index) => this.#answerOf(index));
  }

  /** Of all prompts, each counted once. */
  get promptTokens(): number {
    return this.parsed.prompts.reduce((sum, ids) => sum + ids.length, 0);
  }

  /** Of the answers that have ended. */
  get results(): GenerationResult[] {
    return this.answers.flatMap(({ result }) => result ?? []);
  }

  /** Share of the prompt phase that is done, the least of all answers; undefined while one of them is queued. */
  get fraction(): number | undefined {
    const known = this.answers.flatMap(({ fraction }) => fraction ?? []);
    return known.length < this.answers.length ? undefined : Math.min(...known);
  }

  /** The first of its answers' place among those who wait, from 1; undefined where none waits. */
  get queuePosition(): number | undefined {
    const all = this.engine.waiting ?? [];
    const at = all.findIndex(({ id }) => id === this.id || id?.startsWith(`${this.id}-`));
    return at < 0 ? undefined : at + 1;
  }

  /** Runs to the end; `events` tells of it, its errors too. @param client aborted when the client leaves */
  async run(client: AbortSignal): Promise<void> {
    const { running } = this.#server;
    try {
      const { signal, abort, leave } = running.enter(client);
      this.#cancel = abort;
      let failure: { readonly error: unknown } | undefined;
      const onError = (error: unknown): void => {
        failure ??= { error };
        abort();
      };
      const waiting = this.answers.entries();
      const lane = async (): Promise<void> => {
        for (const [index, answer] of waiting) {
          if (failure) return;
          await this.#runOne(answer, index, signal).catch(onError);
        }
      };
      // All have ended before the request counts as over, so that none outlives it.
      await Promise.all(Array.from({ length: MAX_CHOICES_AT_ONCE }, lane)).finally(leave);
      if (failure) throw failure.error;
      this.events.end();
    } catch (error) {
      this.failure = asKvrError(running.reasonOf(error));
      this.events.fail(this.failure);
    }
  }

  /** Ends it with CANCELLED, as a client that leaves does. */
  cancel(): void {
    this.#cancel();
  }

  #answerOf(index: number): Answer {
    const { prompts, n, reasoning, toolUse } = this.parsed;
    const { tokenizer, eosIds } = this.engine.model;
    const ids = prompts[Math.floor(index / n)] ?? new Int32Array();
    const format = reasoning?.format;
    return new Answer(toolUse, eosIds, format && { format, isInside: isOpenAtEnd(format, ids, tokenizer) });
  }

  async #runOne(answer: Answer, index: number, signal: AbortSignal): Promise<void> {
    const { ledger, engine, running } = this.#server;
    const request = this.#requests[index] as GenerateRequest;
    const id = index === 0 ? this.id : `${this.id}-${index}`;
    const entry: LedgerEntry = ledger.begin(id, this.parsed.kind, request.promptIds?.length ?? 0);
    try {
      for await (const event of engine.generate({ ...request, id, signal })) {
        entry.onEvent(event);
        this.events.push({ index, event, parts: answer.take(event) });
      }
    } catch (error) {
      entry.onError(error, signal.aborted && !running.isClosing);
      throw error;
    }
  }
}

/** One for each answer, prompt by prompt. */
function engineRequests(
  parsed: ParsedRequest,
  { engine, settings }: RunServer,
  forAll: Pick<GenerateRequest, 'deadlineMs' | 'client'>,
): GenerateRequest[] {
  const { prompts, n, toolUse } = parsed;
  requireServed(parsed.model, engine, settings);
  if (prompts.length * n > MAX_CHOICES) {
    const message = `${prompts.length} prompts with n = ${n} make ${prompts.length * n} answers, above the limit of ${MAX_CHOICES}; ask for fewer`;
    throw bad(message, 'n');
  }
  const seed = parsed.seed ?? randomInt(2 ** 32 - 1);
  return prompts.flatMap((ids) =>
    Array.from({ length: n }, (_, k) => ({
      promptIds: ids,
      ...answerLimit(ids, engine, parsed.maxTokens, settings.defaultMaxTokens),
      stop: [...parsed.stop],
      priority: parsed.priority,
      chain: parsed.chain,
      sampling: { ...parsed.sampling, ...temperatureOf(parsed, engine), seed: engineSeed(seed + k) },
      ...(parsed.promptLogprobs !== undefined && { promptLogprobs: parsed.promptLogprobs }),
      ...(parsed.thinkingLimit && { thinkingLimit: parsed.thinkingLimit }),
      grammar: parsed.grammar,
      shownTokens: new Map([...(toolUse?.marks ?? []), ...(parsed.reasoning?.marks ?? [])]),
      ...forAll,
    })),
  );
}

/** Where neither the request nor the checkpoint says how random an answer is, it is as OpenAI's API has it. */
export function temperatureOf(
  { sampling }: Pick<ParsedRequest, 'sampling'>,
  { model }: Pick<ServedEngine, 'model'>,
): { readonly temperature: number } {
  return { temperature: sampling.temperature ?? model.samplingDefaults?.temperature ?? 1 };
}

/** The engine has 2³² seeds; those of them that a client names stay as they are. */
function engineSeed(seed: number): number {
  return ((seed % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
