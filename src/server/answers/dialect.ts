/**
 * The seam between the server and the APIs it speaks: a dialect turns a body into a request that is the same for all
 * dialects, and writes answers in the words of its API. http/answer-route.ts runs it.
 */
import type { KvrError } from '../../core/errors.js';
import type { ServedEngine } from '../requests/settings.js';
import type { ChoiceEvent, ChoiceRun } from './choice-run.js';
import type { ParsedRequest } from './parsed-request.js';

/** The text of one stream. Made for each answer anew, so it may remember what it has sent. */
export type StreamFormat = {
  readonly headers: Readonly<Record<string, string>>;
  /** Before all else, before the prompt is read. */
  readonly begin?: () => string;
  /** @returns an empty text where clients are told nothing */
  readonly event: (event: ChoiceEvent) => string;
  /**
   * A sign of life, asked for twice a second while the prompt is read, and in silences. @param fraction of the prompt phase that
   * is done, 1 after it; undefined while queued. @param silentMs since the stream's last word. @returns an empty text for none
   */
  readonly progress: (fraction: number | undefined, silentMs: number) => string;
  readonly end: () => string;
  /** Instead of an end. */
  readonly error: (error: KvrError) => string;
};

/** One endpoint that answers prompts. @typeParam Parsed may hold more than all dialects know, for `whole` and `stream` */
export type Dialect<Parsed extends ParsedRequest = ParsedRequest> = {
  /** Begins the ids of its answers. */
  readonly idPrefix: string;
  /** @param signal aborted when the client leaves. @throws BAD_INPUT, UNSUPPORTED_PARAMETER, PROMPT_TOO_LONG, BUSY, CANCELLED */
  readonly parse: (body: unknown, engine: ServedEngine, signal: AbortSignal) => Promise<Parsed>;
  /** The document of a body that asks for no answer, where the API has such; undefined for all others. */
  readonly atOnce?: (body: unknown, engine: ServedEngine) => unknown;
  /** Told of each run as it begins, where the dialect keeps account of them. @param ended settles when all of it is over */
  readonly begun?: (run: ChoiceRun<Parsed>, ended: Promise<void>) => void;
  /** The document of a run that has ended; of one in the background as it begins, too. */
  readonly whole: (run: ChoiceRun<Parsed>) => unknown;
  /** @param wantsEvents progress comes as events that programs can read, where the API has such */
  readonly stream: (run: ChoiceRun<Parsed>, wantsEvents: boolean) => StreamFormat;
};
