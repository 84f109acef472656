/**
 * POST to an endpoint that makes embeddings: reads, runs, keeps the ledger, and sends the one document. A client that leaves
 * cancels what runs.
 */
import { randomUUID } from 'node:crypto';
import type { EmbedResult } from '../../engine/embedding/embed-request.js';
import type { EmbeddingDialect, ParsedEmbedding } from '../answers/embedding-dialect.js';
import { requireServed } from '../model/named-engine.js';
import type { LedgerEntry } from '../requests/ledger.js';
import { bad } from '../requests/refusal.js';
import { MAX_EMBEDDING_NUMBERS } from '../requests/settings.js';
import { noteIgnored, readDeadline, sendWhole } from '../http/answer-route.js';
import { readJson } from '../http/body.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import type { Route } from '../http/route.js';

export function embedRoute<Parsed extends ParsedEmbedding>(
  path: string,
  dialect: EmbeddingDialect<Parsed>,
): Route {
  return { method: 'POST', path, handler: (c, server) => answer(c, server, dialect) };
}

async function answer<Parsed extends ParsedEmbedding>(
  c: HttpContext,
  server: ServerContext,
  dialect: EmbeddingDialect<Parsed>,
): Promise<Response> {
  const { engine, settings, budget, running } = server;
  const deadlineMs = readDeadline(c, settings.deadlineMs);
  const body = await readJson(c, settings.maxBodyBytes, budget);
  const { signal } = c.req.raw;
  const parsed = await running.during(signal, (during) => dialect.parse(body, engine, during));
  noteIgnored(c, parsed.ignored ?? [], settings.isStrict);
  requireServed(parsed.model, engine, settings);
  requireFew(parsed, engine.model.shape.hidden);
  const { user } = body as Record<string, unknown>;
  if (typeof user === 'string') c.var.facts['user'] = user;
  const entry = beginEntry(c, server, parsed, dialect.idPrefix);
  const client = c.env.incoming.socket.remoteAddress;
  const document = running
    .during(signal, (during) => run(server, parsed, { deadlineMs, client, signal: during }, entry))
    .then((result) => JSON.stringify(dialect.document(parsed, result, engine)));
  return sendWhole(c, document);
}

/** @throws BAD_INPUT where the answer would be too large */
function requireFew({ inputs, dimensions }: ParsedEmbedding, hidden: number): void {
  const numbers = inputs.length * Math.min(dimensions ?? hidden, hidden);
  if (numbers <= MAX_EMBEDDING_NUMBERS) return;
  const message = `${inputs.length} embeddings have ${numbers} numbers, above the limit of ${MAX_EMBEDDING_NUMBERS}; send fewer inputs, or ask for fewer dimensions`;
  throw bad(message, 'input');
}

function beginEntry(
  c: HttpContext,
  { ledger }: ServerContext,
  { inputs }: ParsedEmbedding,
  idPrefix: string,
): LedgerEntry {
  const promptTokens = inputs.reduce((sum, ids) => sum + ids.length, 0);
  const id = `${idPrefix}${randomUUID().replaceAll('-', '')}`;
  Object.assign(c.var.facts, { answer: id, kind: 'embedding', promptTokens, inputs: inputs.length });
  return ledger.begin(id, 'embedding', promptTokens);
}

async function run(
  { engine, running }: ServerContext,
  { inputs, pooling, normalize, dimensions, priority }: ParsedEmbedding,
  asker: { readonly deadlineMs: number; readonly client: string | undefined; readonly signal: AbortSignal },
  entry: LedgerEntry,
): Promise<EmbedResult> {
  try {
    const result = await engine.embed({
      ...{ inputs, pooling, normalize, dimensions, priority, ...asker },
      onProgress: (fraction) => entry.onEvent({ type: 'prefill', fraction }),
    });
    entry.onPooled(result);
    return result;
  } catch (error) {
    entry.onError(error, asker.signal.aborted && !running.isClosing);
    throw error;
  }
}
