/**
 * POST to an endpoint that answers prompts: reads, runs, and sends the answer whole or as a stream. The status is held back a
 * little, so that what fails at once fails with the right one.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { asKvrError } from '../../core/errors.js';
import { type ChoiceEvent, ChoiceRun } from '../answers/choice-run.js';
import type { Dialect, StreamFormat } from '../answers/dialect.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { requireServed } from '../model/named-engine.js';
import { bad, unsupported } from '../requests/refusal.js';
import {
  HOLD_STREAM_STATUS_MS,
  PROGRESS_MS,
  STREAM_SILENCE_MS,
  WHITESPACE_MS,
} from '../requests/settings.js';
import { readJson } from './body.js';
import type { HttpContext, ServerContext } from './context.js';
import type { Route } from './route.js';
import { openBody, type StreamBody } from './stream-body.js';

/** Of a header that names what was ignored or loosened. */
const MAX_HEADER_CHARS = 1000;
/** The client of what runs in the background: it goes on without one. */
const NEVER = new AbortController().signal;

export function answerRoute<Parsed extends ParsedRequest>(path: string, dialect: Dialect<Parsed>): Route {
  return { method: 'POST', path, handler: (c, server) => answer(c, server, dialect) };
}

/** @throws everything that is known before the first sign of an answer */
async function answer<Parsed extends ParsedRequest>(
  c: HttpContext,
  server: ServerContext,
  dialect: Dialect<Parsed>,
): Promise<Response> {
  const { engine, settings, budget, running } = server;
  const deadlineMs = readDeadline(c, settings.deadlineMs);
  const wantsEvents = readProgressStyle(c);
  const body = await readJson(c, settings.maxBodyBytes, budget);
  const early = dialect.atOnce?.(body, engine);
  if (early !== undefined) {
    requireServed(modelOf(body), engine, settings);
    return c.json(early);
  }
  const { signal } = c.req.raw;
  const parsed = await running.during(signal, (during) => dialect.parse(body, engine, during));
  noteIgnored(c, parsed.ignored ?? [], settings.isStrict);
  noteLoosened(c, parsed.grammar?.loosened ?? []);
  const id = `${dialect.idPrefix}${randomUUID().replaceAll('-', '')}`;
  const run = new ChoiceRun(id, parsed, server, deadlineMs, c.env.incoming.socket.remoteAddress);
  noteRequest(c, run, body, settings.logPrompts);
  const ended = run.run(parsed.isBackground ? NEVER : signal);
  void ended.then(() => noteResult(c, run));
  dialect.begun?.(run, ended);
  if (parsed.isStream) return sendStream(c, run, dialect.stream(run, wantsEvents));
  if (parsed.isBackground) return sendAtOnce(c, run, dialect);
  return sendWhole(c, documentOf(run, dialect));
}

function modelOf(body: unknown): string | undefined {
  const { model } = body as { readonly model?: unknown };
  return typeof model === 'string' ? model : undefined;
}

/** @throws UNSUPPORTED_PARAMETER where the server is strict */
export function noteIgnored(c: HttpContext, ignored: readonly string[], isStrict: boolean): void {
  const [first] = ignored;
  if (first === undefined) return;
  if (isStrict) throw unsupported(first);
  c.var.facts['ignored'] = ignored;
  c.header('X-Kvr-Ignored', headerOf(ignored));
}

/** What a schema asks and the answer is not held to, since the request said it need not be. */
function noteLoosened(c: HttpContext, loosened: readonly string[]): void {
  if (loosened.length === 0) return;
  c.var.facts['loosened'] = loosened;
  c.header('X-Kvr-Loosened', headerOf(loosened));
}

/** Names come from the client: what no header may hold is left out. */
function headerOf(names: readonly string[]): string {
  return names
    .join(', ')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, MAX_HEADER_CHARS);
}

/** A request may lower the server's limit, never raise it. @throws BAD_INPUT */
export function readDeadline(c: HttpContext, mostMs: number): number {
  const given = c.req.header('x-kvr-deadline-ms');
  if (given === undefined) return mostMs;
  if (/^[1-9]\d{0,8}$/.test(given)) return Math.min(Number(given), mostMs);
  throw bad(
    'header x-kvr-deadline-ms must be a whole number of milliseconds of at least 1',
    'x-kvr-deadline-ms',
  );
}

/** @returns whether progress comes as events instead of comments. @throws BAD_INPUT */
function readProgressStyle(c: HttpContext): boolean {
  const given = c.req.header('x-kvr-progress') ?? 'comment';
  if (given === 'event' || given === 'comment') return given === 'event';
  throw bad('header x-kvr-progress must be event or comment', 'x-kvr-progress');
}

function noteRequest(
  c: HttpContext,
  { id, parsed, promptTokens, answers }: ChoiceRun,
  body: unknown,
  logPrompts: boolean,
): void {
  const { facts } = c.var;
  const { prompt, messages, input } = body as Record<string, unknown>;
  Object.assign(facts, { answer: id, kind: parsed.kind, promptTokens, stream: parsed.isStream });
  if (answers.length > 1) facts['choices'] = answers.length;
  if (parsed.user !== undefined) facts['user'] = parsed.user;
  if (logPrompts) facts['prompt'] = messages ?? prompt ?? input;
}

function noteResult(c: HttpContext, { results }: ChoiceRun): void {
  const { facts } = c.var;
  const [first] = results;
  facts['completionTokens'] = results.reduce((sum, result) => sum + result.completionTokens, 0);
  if (first) facts['ttftMs'] = Math.round(first.ttftMs);
}

async function documentOf<Parsed extends ParsedRequest>(
  run: ChoiceRun<Parsed>,
  dialect: Dialect<Parsed>,
): Promise<string> {
  await drained(run);
  return JSON.stringify(dialect.whole(run));
}

/** The answers are filled as the events come. */
async function drained<Parsed extends ParsedRequest>({ events }: ChoiceRun<Parsed>): Promise<void> {
  for await (const event of events) void event;
}

/** As far as it is; the rest of it is asked for later. */
function sendAtOnce<Parsed extends ParsedRequest>(
  c: HttpContext,
  run: ChoiceRun<Parsed>,
  dialect: Dialect<Parsed>,
): Response {
  const early = dialect.whole(run);
  // Its failure is told to those who ask for it.
  void drained(run).catch(() => undefined);
  return c.json(early);
}

/**
 * An answer in one JSON document. Clients and proxies cut silent connections, so after a while spaces are sent: JSON
 * may begin with them. The price is that the status is then 200 for good; a request that fails later has its connection
 * cut in the middle of the document, so that nobody takes a failure for an answer. All that is wrong with a request
 * itself is known long before. @throws what the run throws before the first space
 */
export async function sendWhole(c: HttpContext, document: Promise<string>): Promise<Response> {
  const early = await firstWithin(document, WHITESPACE_MS);
  const body = early === undefined ? spacedBody(c, document) : early;
  return c.body(body, 200, { 'Content-Type': 'application/json' });
}

function spacedBody(c: HttpContext, document: Promise<string>): ReadableStream<Uint8Array> {
  const { readable, write, close, cut } = openBody(c);
  const space = (): void => void write(' ');
  space();
  const timer = setInterval(space, WHITESPACE_MS);
  void document
    .finally(() => clearInterval(timer))
    .then(async (text) => {
      await write(text);
      await close();
    })
    .catch(cut);
  return readable;
}

/** @throws what the run throws before its first event, unless that takes long */
async function sendStream(c: HttpContext, run: ChoiceRun, format: StreamFormat): Promise<Response> {
  const events = run.events[Symbol.asyncIterator]();
  const first = events.next();
  await firstWithin(first, HOLD_STREAM_STATUS_MS);
  const body = openBody(c);
  void writeStream(run, format, body, first, events);
  return c.body(body.readable, 200, { ...format.headers });
}

/** Writes everything to its end; never throws. An error after the stream's begin is its last event. */
async function writeStream(
  run: ChoiceRun,
  format: StreamFormat,
  body: StreamBody,
  first: Promise<IteratorResult<ChoiceEvent>>,
  events: AsyncIterator<ChoiceEvent>,
): Promise<void> {
  let lastMs = performance.now();
  const write = async (text: string): Promise<void> => {
    if (text === '') return;
    lastMs = performance.now();
    await body.write(text);
  };
  const tick = (): void => {
    const isReading = run.answers.some(({ hasBegun }) => !hasBegun);
    const silentMs = performance.now() - lastMs;
    if (!body.isFull() && (isReading || silentMs >= STREAM_SILENCE_MS))
      void write(format.progress(isReading ? run.fraction : 1, silentMs));
  };
  const ticker = setInterval(tick, PROGRESS_MS);
  void write(format.begin?.() ?? '');
  tick();
  try {
    for (let next = await first; !next.done; next = await events.next())
      await write(format.event(next.value));
    await write(format.end());
  } catch (error) {
    await write(format.error(asKvrError(error)));
  } finally {
    clearInterval(ticker);
    await body.close();
  }
}

/** @returns what was promised, or undefined where it takes longer */
async function firstWithin<T>(promised: Promise<T>, ms: number): Promise<T | undefined> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  return Promise.race([promised, late]).finally(() => timer.abort());
}
