/**
 * POST /v1/chat/completions and /v1/completions: reads, runs, answers whole or as a stream. The status of an answer
 * is held back a little, so that what fails at once fails with the right one.
 */
import { randomUUID } from 'node:crypto';
import type { ParsedRequest } from './parsed-request.js';
import { readJson } from '../http/body.js';
import { readChat } from './chat-request.js';
import { ChoiceRun } from './choice-run.js';
import { readCompletion } from './completion-request.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import { CHAT, COMPLETION, type Dialect } from './dialect.js';
import { bad } from '../http/parameters.js';
import type { ServedEngine, ServerSettings } from '../requests/settings.js';
import { streamAnswer } from './stream-answer.js';
import { wholeAnswer } from './whole-answer.js';

type ReadAsk = (
  body: unknown,
  deadlineMs: number,
  engine: ServedEngine,
  settings: ServerSettings,
) => ParsedRequest;

export const answerChat = (c: HttpContext, server: ServerContext): Promise<Response> =>
  answer(c, server, CHAT, readChat);

export const answerCompletion = (c: HttpContext, server: ServerContext): Promise<Response> =>
  answer(c, server, COMPLETION, readCompletion);

/** @throws everything that is known before the first sign of an answer */
async function answer(
  c: HttpContext,
  server: ServerContext,
  dialect: Dialect,
  read: ReadAsk,
): Promise<Response> {
  const { engine, settings, budget } = server;
  const deadlineMs = readDeadline(c, settings.deadlineMs);
  const wantsEvents = readProgressStyle(c);
  const body = await readJson(c, settings.maxBodyBytes, budget);
  const ask = read(body, deadlineMs, engine, settings);
  const id = `${dialect.idPrefix}${randomUUID().replaceAll('-', '')}`;
  note(c, id, ask, body, settings);
  const run = new ChoiceRun(id, ask, server);
  const ended = run.run(c.req.raw.signal);
  void ended.then(() => noteResult(c, run));
  return ask.isStream
    ? streamAnswer(c, run, dialect, server, wantsEvents)
    : wholeAnswer(c, run, dialect, server);
}

/** A request may lower the server's limit, never raise it. @throws BAD_INPUT */
function readDeadline(c: HttpContext, mostMs: number): number {
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

function note(c: HttpContext, id: string, ask: ParsedRequest, body: unknown, settings: ServerSettings): void {
  const { facts } = c.var;
  const { safety_identifier, user = safety_identifier, prompt, messages } = body as Record<string, unknown>;
  Object.assign(facts, { answer: id, kind: ask.kind, promptTokens: ask.promptTokens, stream: ask.isStream });
  if (ask.choices.length > 1) facts['choices'] = ask.choices.length;
  if (typeof user === 'string') facts['user'] = user;
  if (settings.logPrompts) facts['prompt'] = messages ?? prompt;
}

function noteResult(c: HttpContext, { results }: ChoiceRun): void {
  const { facts } = c.var;
  const [first] = results;
  facts['completionTokens'] = results.reduce((sum, result) => sum + result.completionTokens, 0);
  if (first) facts['ttftMs'] = Math.round(first.ttftMs);
}
