/**
 * An answer in one JSON document. A long prompt keeps a client waiting without a sign, and clients and proxies cut
 * silent connections, so after a while spaces are sent: JSON may begin with them. The price is that the status is
 * then 200 for good; a request that fails later has its connection cut in the middle of the document, so that
 * nobody takes a failure for an answer. All that is wrong with a request itself is known long before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answer.js';
import type { ChoiceRun } from './choice-run.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import { type Dialect, envelope, usageOf } from './dialect.js';
import { WHITESPACE_MS } from '../requests/settings.js';
import { openBody } from '../http/stream-body.js';

const HEADERS = { 'Content-Type': 'application/json' };

/** @throws what the run throws before the first space */
export async function wholeAnswer(
  c: HttpContext,
  run: ChoiceRun,
  dialect: Dialect,
  server: ServerContext,
): Promise<Response> {
  const document = collect(run, dialect, server);
  const timer = new AbortController();
  const early = await Promise.race([
    document,
    delay(WHITESPACE_MS, undefined, { signal: timer.signal }),
  ]).finally(() => timer.abort());
  if (early !== undefined) return c.body(early, 200, HEADERS);
  return c.body(spacedBody(c, document), 200, HEADERS);
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

async function collect(run: ChoiceRun, dialect: Dialect, { engine }: ServerContext): Promise<string> {
  const createdS = Math.floor(Date.now() / 1000);
  // Results come with the run's last events.
  for await (const event of run.events) void event;
  return JSON.stringify({
    ...envelope(run.id, dialect.wholeObject, createdS, engine),
    choices: run.results.map((result, index) =>
      dialect.whole(index, result, run.answers[index] as Answer, run.entries[index]),
    ),
    usage: usageOf(run),
  });
}
