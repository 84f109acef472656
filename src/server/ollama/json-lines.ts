/**
 * Answers as a stream of JSON documents, one a line. There are no comments in it: a long silence is broken by a line that says
 * nothing new.
 */
import type { KvrError } from '../../core/errors.js';
import type { AnswerPart } from '../answers/parts.js';
import type { ChoiceEvent, ChoiceRun } from '../answers/choice-run.js';
import type { StreamFormat } from '../answers/dialect.js';
import { STREAM_SILENCE_MS } from '../requests/settings.js';
import { answerOf, callsOf, endFields, envelope } from './answer-fields.js';
import { errorBody } from './error-body.js';

/** What an endpoint says in a line: of the text, or of what is no text. */
export type LineForm = {
  readonly text: (text: string) => object;
  readonly thinking: (text: string) => object;
  readonly calls: (calls: ReturnType<typeof callsOf>) => object;
};

const HEADERS = { 'Content-Type': 'application/x-ndjson', 'X-Accel-Buffering': 'no' };

export function jsonLines(run: ChoiceRun, form: LineForm): StreamFormat {
  const stream = new LineStream(run, form);
  return {
    headers: HEADERS,
    event: (event) => stream.event(event),
    progress: (_fraction, silentMs) => (silentMs >= STREAM_SILENCE_MS ? stream.line(form.text('')) : ''),
    end: () => '',
    error: (error: KvrError) => `${JSON.stringify(errorBody(error))}\n`,
  };
}

class LineStream {
  readonly #run: ChoiceRun;
  readonly #form: LineForm;
  /** Calls that were sent: each goes out whole, once it is. */
  #sentCalls = 0;

  constructor(run: ChoiceRun, form: LineForm) {
    this.#run = run;
    this.#form = form;
  }

  line(fields: object): string {
    return `${JSON.stringify({ ...envelope(this.#run), ...fields, done: false })}\n`;
  }

  event({ event, parts }: ChoiceEvent): string {
    const said = parts.map((part) => this.#part(part)).join('');
    if (event.type !== 'done') return said;
    const calls = this.#callsBefore(Infinity);
    const last = { ...envelope(this.#run), ...this.#form.text(''), ...endFields(event.result) };
    return `${said}${calls}${JSON.stringify(last)}\n`;
  }

  #part(part: AnswerPart): string {
    switch (part.type) {
      case 'text':
        return part.text === '' ? '' : this.line(this.#form.text(part.text));
      case 'reasoning':
        return part.text === '' ? '' : this.line(this.#form.thinking(part.text));
      case 'call':
        return this.#callsBefore(part.call.index);
      case 'arguments':
        return '';
    }
  }

  /** Of one index and more they are still written. */
  #callsBefore(index: number): string {
    const whole = answerOf(this.#run).calls.slice(this.#sentCalls, index);
    this.#sentCalls += whole.length;
    const calls = callsOf(whole);
    return calls.length === 0 ? '' : this.line(this.#form.calls(calls));
  }
}
