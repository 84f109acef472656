/**
 * Answers as a stream of chunks in server-sent events. While the prompt is read, comments or, if asked for, named
 * events tell how far it is; an error is the stream's last event.
 */
import type { GenerationResult } from '../../engine/output/generation.js';
import type { Answer, AnswerPart } from '../answers/answer.js';
import type { ChoiceEvent, ChoiceRun } from '../answers/choice-run.js';
import type { StreamFormat } from '../answers/dialect.js';
import { comment, data, namedEvent, SSE_HEADERS } from '../http/sse.js';
import { envelope, nowS, usageOf } from './answer-fields.js';
import { STREAM_QUIET_MS } from '../requests/settings.js';
import { errorBody } from './error-body.js';
import { type LogprobEntry, LogprobEntries } from './logprobs.js';

/** What a reader takes for a slow token needs no words. */
const NOTICED_WAIT_MS = 1_000;

/** An endpoint's `choices` in chunks. */
export type ChunkChoices = {
  /** Value of the chunks' `object`. */
  readonly object: string;
  /** The first one of an answer; undefined where nothing is said first. */
  readonly begin: (index: number, answer: Answer) => unknown;
  readonly text: (index: number, text: string, entries: readonly LogprobEntry[] | undefined) => unknown;
  /** A part that is no text: thinking, and calls of functions, where there are any. */
  readonly call: (index: number, part: Exclude<AnswerPart, { type: 'text' }>) => unknown;
  readonly end: (index: number, result: GenerationResult, answer: Answer) => unknown;
};

export function chunkStream(run: ChoiceRun, choices: ChunkChoices, wantsEvents: boolean): StreamFormat {
  const stream = new ChunkStream(run, choices);
  return {
    headers: SSE_HEADERS,
    event: (event) => recoverySign(event, wantsEvents) + stream.event(event),
    progress: (fraction, silentMs) => {
      const place = fraction === undefined ? run.queuePosition : undefined;
      if (wantsEvents)
        return namedEvent('kvr.prefill', {
          fraction: fraction ?? 0,
          ...(place && { queue_position: place }),
        });
      const isDue = run.parsed.wantsProgress === true || silentMs >= STREAM_QUIET_MS;
      return isDue ? comment(progressWords(fraction, place)) : '';
    },
    end: () => `${run.parsed.wantsUsage ? stream.chunk([], usageOf(run)) : ''}data: [DONE]\n\n`,
    error: (error) => data(errorBody(error)),
  };
}

/** One sign before the first token after a lost worker, where the answer stood still for long enough to be noticed. */
function recoverySign({ index, event }: ChoiceEvent, wantsEvents: boolean): string {
  if (event.type !== 'token' || event.recoveredMs === undefined) return '';
  if (event.recoveredMs < NOTICED_WAIT_MS) return '';
  const ms = Math.round(event.recoveredMs);
  return wantsEvents ? namedEvent('kvr.recovered', { index, ms }) : comment(`recovered after ${ms} ms`);
}

function progressWords(fraction: number | undefined, place: number | undefined): string {
  if (fraction === undefined) return place === undefined ? 'queued' : `queued, queue_position ${place}`;
  return fraction < 1 ? `prefill ${fraction.toFixed(2)}` : 'decode';
}

class ChunkStream {
  readonly #run: ChoiceRun;
  readonly #choices: ChunkChoices;
  readonly #createdS = nowS();
  readonly #begun = new Set<number>();
  readonly #entries: readonly LogprobEntries[];

  constructor(run: ChoiceRun, choices: ChunkChoices) {
    this.#run = run;
    this.#choices = choices;
    this.#entries = run.answers.map(() => new LogprobEntries(run.engine.model.tokenizer));
  }

  chunk(choices: readonly unknown[], usage: unknown = null): string {
    const head = envelope(this.#run, this.#choices.object, this.#createdS);
    return data({ ...head, choices, ...(this.#run.parsed.wantsUsage && { usage }) });
  }

  event({ index, event, parts }: ChoiceEvent): string {
    if (event.type === 'prefill') return '';
    const entry =
      event.type === 'token' && event.logprobs
        ? this.#entries[index]?.add({ id: event.id, logprobs: event.logprobs })
        : undefined;
    const choices = [...this.#begin(index), ...this.#pieces(index, parts, entry)];
    if (event.type === 'done')
      choices.push(this.#choices.end(index, event.result, this.#run.answers[index] as Answer));
    return choices.map((choice) => this.chunk([choice])).join('');
  }

  #begin(index: number): unknown[] {
    if (this.#begun.has(index)) return [];
    this.#begun.add(index);
    const begin = this.#choices.begin(index, this.#run.answers[index] as Answer);
    return begin === undefined ? [] : [begin];
  }

  /** A token may only begin a character, or a call: then its probability comes without text. */
  #pieces(index: number, parts: readonly AnswerPart[], entry: LogprobEntry | undefined): unknown[] {
    const { text, call } = this.#choices;
    const joined = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
    const thoughts = parts.filter((part) => part.type === 'reasoning').map((part) => call(index, part));
    const calls = parts
      .filter((part) => part.type === 'call' || part.type === 'arguments')
      .map((part) => call(index, part));
    const texts = joined === '' && !entry ? [] : [text(index, joined, entry && [entry])];
    return [...thoughts, ...texts, ...calls];
  }
}
