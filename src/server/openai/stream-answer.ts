/**
 * An answer as a stream of server-sent events. While the prompt is read, comments (or, if asked for, named events)
 * tell how far it is, which also keeps the connection alive; an error after the stream's begin is its last event.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { asKvrError } from '../../core/errors.js';
import type { ChoiceEvent, ChoiceRun } from './choice-run.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import type { Answer, AnswerPart } from './answer.js';
import type { LogprobEntry } from './logprobs.js';
import { type Dialect, envelope, usageOf } from './dialect.js';
import { errorBody } from '../http/failure.js';
import { HOLD_STREAM_STATUS_MS, PROGRESS_MS, STREAM_SILENCE_MS } from '../requests/settings.js';
import { comment, data, namedEvent, SSE_HEADERS } from '../http/sse.js';
import { openBody, type StreamBody } from '../http/stream-body.js';

/** @throws what the run throws before its first event, unless that takes long */
export async function streamAnswer(
  c: HttpContext,
  run: ChoiceRun,
  dialect: Dialect,
  server: ServerContext,
  wantsEvents: boolean,
): Promise<Response> {
  const events = run.events[Symbol.asyncIterator]();
  const first = events.next();
  await firstOrHeld(first);
  const body = openBody(c);
  const stream = new AnswerStream(run, dialect, server, body, wantsEvents);
  void stream.tell(first, events);
  return c.body(body.readable, 200, SSE_HEADERS);
}

async function firstOrHeld(first: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const held = delay(HOLD_STREAM_STATUS_MS, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([first, held]).finally(() => timer.abort());
}

class AnswerStream {
  readonly #run: ChoiceRun;
  readonly #dialect: Dialect;
  readonly #server: ServerContext;
  readonly #body: StreamBody;
  readonly #wantsEvents: boolean;
  readonly #createdS = Math.floor(Date.now() / 1000);
  readonly #begun = new Set<number>();
  #lastWriteMs = performance.now();

  constructor(
    run: ChoiceRun,
    dialect: Dialect,
    server: ServerContext,
    body: StreamBody,
    wantsEvents: boolean,
  ) {
    this.#run = run;
    this.#dialect = dialect;
    this.#server = server;
    this.#body = body;
    this.#wantsEvents = wantsEvents;
  }

  /** Tells everything to its end; never throws. */
  async tell(first: Promise<IteratorResult<ChoiceEvent>>, events: AsyncIterator<ChoiceEvent>): Promise<void> {
    const ticker = setInterval(() => this.#tick(), PROGRESS_MS);
    this.#tick();
    try {
      for (let next = await first; !next.done; next = await events.next()) await this.#tellEvent(next.value);
      if (this.#run.ask.wantsUsage) await this.#chunk([], usageOf(this.#run));
      await this.#write('data: [DONE]\n\n');
    } catch (error) {
      await this.#write(data(errorBody(asKvrError(error))));
    } finally {
      clearInterval(ticker);
      await this.#body.close();
    }
  }

  async #tellEvent({ index, event, entry, parts }: ChoiceEvent): Promise<void> {
    if (event.type === 'prefill') return;
    if (!this.#begun.has(index)) {
      this.#begun.add(index);
      const begin = this.#dialect.begin(index);
      if (begin !== undefined) await this.#chunk([begin]);
    }
    const answer = this.#run.answers[index] as Answer;
    for (const choice of this.#pieces(index, parts, entry)) await this.#chunk([choice]);
    if (event.type === 'done') await this.#chunk([this.#dialect.end(index, event.result, answer)]);
  }

  /** A token may only begin a character, or a call: then its probability comes without text. */
  #pieces(index: number, parts: readonly AnswerPart[], entry: LogprobEntry | undefined): unknown[] {
    const { piece, callPart } = this.#dialect;
    const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
    const joined = texts.join('');
    const calls = parts.flatMap((part) => (part.type === 'text' ? [] : [callPart(index, part)]));
    return joined === '' && !entry ? calls : [piece(index, joined, entry && [entry]), ...calls];
  }

  async #chunk(choices: readonly unknown[], usage: unknown = null): Promise<void> {
    const head = envelope(this.#run.id, this.#dialect.chunkObject, this.#createdS, this.#server.engine);
    await this.#write(data({ ...head, choices, ...(this.#run.ask.wantsUsage && { usage }) }));
  }

  #tick(): void {
    const { fraction, ask } = this.#run;
    const isReading = this.#begun.size < ask.choices.length;
    const silentMs = performance.now() - this.#lastWriteMs;
    if (this.#body.isFull() || (!isReading && silentMs < STREAM_SILENCE_MS)) return;
    void this.#write(this.#progress(isReading ? fraction : 1));
  }

  #progress(fraction: number | undefined): string {
    if (this.#wantsEvents) return namedEvent('kvr.prefill', { fraction: fraction ?? 0 });
    return comment(
      fraction === undefined ? 'queued' : fraction < 1 ? `prefill ${fraction.toFixed(2)}` : 'decode',
    );
  }

  async #write(text: string): Promise<void> {
    this.#lastWriteMs = performance.now();
    await this.#body.write(text);
  }
}
