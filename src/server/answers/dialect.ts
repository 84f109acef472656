/**
 * The seam between the server and the APIs it speaks: a dialect turns a body into a request that is the same for all
 * dialects, and writes answers and errors in the words of its API. A further dialect is a folder beside openai/.
 */
import type { KvrError } from '../../core/errors.js';
import type { ServedEngine } from '../requests/settings.js';
import type { ChoiceEvent, ChoiceRun } from './choice-run.js';
import type { ParsedRequest } from './parsed-request.js';

/** The text of one stream. Made for each answer anew, so it may remember what it has sent. */
export type StreamFormat = {
  readonly headers: Readonly<Record<string, string>>;
  /** @returns an empty text where clients are told nothing */
  readonly event: (event: ChoiceEvent) => string;
  /** A sign of life. @param fraction of the prompt phase that is done, 1 after it; undefined while queued */
  readonly progress: (fraction: number | undefined) => string;
  readonly end: () => string;
  /** Instead of an end. */
  readonly error: (error: KvrError) => string;
};

/** One endpoint of an API: what its bodies mean, and what its answers look like. */
export type Dialect = {
  /** Begins the ids of its answers. */
  readonly idPrefix: string;
  /** @param signal aborted when the client leaves. @throws BAD_INPUT, UNSUPPORTED_PARAMETER, PROMPT_TOO_LONG, BUSY, CANCELLED */
  readonly parse: (body: unknown, engine: ServedEngine, signal: AbortSignal) => Promise<ParsedRequest>;
  /** The document of a run that has ended. */
  readonly whole: (run: ChoiceRun) => unknown;
  /** @param wantsEvents progress comes as events that programs can read, where the API has such */
  readonly stream: (run: ChoiceRun, wantsEvents: boolean) => StreamFormat;
  /** The document of a request that failed. */
  readonly errorBody: (error: KvrError) => unknown;
};
