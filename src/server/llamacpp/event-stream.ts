/**
 * Answers as llama.cpp streams them: one event for each token, and a last one with `stop: true` and all figures.
 */
import type { ChoiceEvent } from '../answers/choice-run.js';
import type { StreamFormat } from '../answers/dialect.js';
import { comment, data, SSE_HEADERS } from '../http/sse.js';
import { STREAM_SILENCE_MS } from '../requests/settings.js';
import { endFields, type LlamaRun, probability, promptOf } from './answer-document.js';
import { errorBody } from './error-body.js';

export function eventStream(run: LlamaRun): StreamFormat {
  const stream = new EventStream(run);
  const { return_progress: wantsProgress } = run.parsed.own;
  return {
    headers: SSE_HEADERS,
    event: (event) => stream.event(event),
    progress: (fraction, silentMs) => {
      if (wantsProgress && fraction === undefined) return queueSign(run);
      if (wantsProgress && fraction !== undefined && fraction < 1) return stream.progress(fraction);
      return silentMs >= STREAM_SILENCE_MS ? comment('waiting') : '';
    },
    end: () => '',
    error: (error) => data(errorBody(error)),
  };
}

/** llama.cpp has no field for it, and its clients skip comments. */
function queueSign({ queuePosition: place }: LlamaRun): string {
  return place === undefined ? '' : comment(`queued, queue_position ${place}`);
}

class EventStream {
  readonly #run: LlamaRun;
  readonly #startMs = performance.now();
  /** Tokens of each answer so far. */
  readonly #counts: number[];
  #told = -1;

  constructor(run: LlamaRun) {
    this.#run = run;
    this.#counts = run.answers.map(() => 0);
  }

  event({ index, event, parts }: ChoiceEvent): string {
    const content = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
    switch (event.type) {
      case 'prefill':
      case 'promptLogprobs':
        return '';
      case 'token':
        return event.isRest ? this.#rest(index, content) : this.#token(index, content, event);
      case 'done': {
        const end = { ...endFields(this.#run, index, event.result), content, tokens: [] };
        return this.#readWhole(index) + data(end);
      }
    }
  }

  progress(fraction: number): string {
    const total = this.#run.promptTokens;
    const processed = Math.floor(total * fraction);
    if (processed <= this.#told) return '';
    this.#told = processed;
    const timeMs = Math.round(performance.now() - this.#startMs);
    const prompt_progress = { total, cache: 0, processed, time_ms: timeMs };
    return data({ ...this.#head(0), content: '', tokens: [], prompt_progress });
  }

  #token(
    index: number,
    content: string,
    { id, logprobs }: Extract<ChoiceEvent['event'], { type: 'token' }>,
  ): string {
    const { own } = this.#run.parsed;
    const whole = this.#readWhole(index);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    const { tokenizer } = this.#run.engine.model;
    const probabilities = own.n_probs > 0 && logprobs && [probability({ id, logprobs }, tokenizer)];
    return (
      whole +
      data({
        ...this.#head(index),
        ...{ content, tokens: [id] },
        ...(probabilities && { completion_probabilities: probabilities }),
      })
    );
  }

  /** Text that was held back, of tokens that were told. */
  #rest(index: number, content: string): string {
    return content === '' ? '' : data({ ...this.#head(index), content, tokens: [] });
  }

  /** Progress ends at the whole, once. */
  #readWhole(index: number): string {
    const isFirst = index === 0 && this.#counts[index] === 0;
    return isFirst && this.#run.parsed.own.return_progress ? this.progress(1) : '';
  }

  #head(index: number) {
    return {
      index,
      stop: false,
      id_slot: index,
      tokens_predicted: this.#counts[index] ?? 0,
      tokens_evaluated: promptOf(this.#run, index).length,
    };
  }
}
