/**
 * The seam between the server and the APIs that ask for embeddings: as dialect.ts, for requests that are pooled instead of answered.
 * routes/embed-route.ts runs it.
 */
import type { EmbedRequest, EmbedResult } from '../../engine/embedding/embed-request.js';
import type { ServedEngine } from '../requests/settings.js';

/** What a client wants, whatever its API calls it. */
export type ParsedEmbedding = Pick<EmbedRequest, 'pooling' | 'normalize' | 'dimensions' | 'priority'> & {
  /** As the client names it; undefined where it does not. */
  readonly model: string | undefined;
  /** Token ids, each of one text. */
  readonly inputs: readonly Int32Array[];
  /** Fields that say nothing about the answer, by name. */
  readonly ignored?: readonly string[];
};

export type EmbeddingDialect<Parsed extends ParsedEmbedding = ParsedEmbedding> = {
  /** Begins the ids of its requests in the ledger. */
  readonly idPrefix: string;
  /** @param signal aborted when the client leaves. @throws BAD_INPUT, UNSUPPORTED_PARAMETER, PROMPT_TOO_LONG, BUSY, CANCELLED */
  readonly parse: (body: unknown, engine: ServedEngine, signal: AbortSignal) => Promise<Parsed>;
  readonly document: (parsed: Parsed, result: EmbedResult, engine: ServedEngine) => unknown;
};
