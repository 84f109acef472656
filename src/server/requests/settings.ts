/**
 * What a server is started with, and the limits that protect it: each named, each with its reason.
 */
import type { Engine } from '../../engine/engine.js';

/** What the server asks of an engine. */
export type ServedEngine = Pick<
  Engine,
  'model' | 'settings' | 'workers' | 'members' | 'costs' | 'generate' | 'embed' | 'preparation'
> &
  Partial<Pick<Engine, 'invitation' | 'refusals' | 'waiting'>>;

export type ServerSettings = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Asked of every request but those for the page and for the state of health; undefined: of none. */
  readonly apiKey?: string | undefined;
  /** Origins whose pages may read answers; none unless given. */
  readonly corsOrigins: readonly string[];
  /** Longest a request may take, from being read to its last token. */
  readonly deadlineMs: number;
  /** How long running requests may go on once the server closes. */
  readonly drainMs: number;
  readonly maxBodyBytes: number;
  /** In which a client must have sent a request's head, and the whole of it. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** New tokens at most where a request does not say how many; undefined: as many as there is room for. */
  readonly defaultMaxTokens?: number | undefined;
  /** Refuse fields that say nothing about the answer, instead of ignoring them by name. */
  readonly isStrict: boolean;
  /** Answer only to the model's own name; else the one model that is served answers to any. */
  readonly isStrictModel: boolean;
  /** What the model is called: the first name is shown, and a strict server answers to all of them. Its own name unless given. */
  readonly aliases?: readonly string[];
  /** Names beside loopback's that a server on loopback answers to. */
  readonly allowedHosts: readonly string[];
  /** Write prompts into the log. */
  readonly logPrompts: boolean;
  /** Where the built page lies. */
  readonly pageFolder: string;
  readonly version: string;
};

export const DEFAULT_PORT = 8080;
/** Enough for a prompt of two million tokens of English. */
export const DEFAULT_MAX_BODY_BYTES = 8 * 2 ** 20;
/** Bodies that may be in memory at once, half read or waiting for their answer's begin. */
export const MAX_BODY_BYTES_AT_ONCE = 64 * 2 ** 20;
export const DEFAULT_DEADLINE_MS = 3_600_000;
export const DEFAULT_DRAIN_MS = 10_000;

/** Objects in objects: far more than any request needs, far less than a stack holds. */
export const MAX_JSON_DEPTH = 64;
/**
 * Lists, objects and members of a body, which take a few hundred nanoseconds and up to 100 bytes each: 4,096 messages with
 * calls in them have fewer.
 */
export const MAX_JSON_PARTS = 100_000;
/** Token ids above all: as many as the longest contexts have. A million is parsed in about 30 ms. */
export const MAX_JSON_VALUES = 1_200_000;
export const MAX_MESSAGES = 4096;
export const MAX_TOOLS = 1024;
/** Answers to one HTTP request: prompts times `n`. */
export const MAX_CHOICES = 128;
/** Of those the ones that are with the engine at once: one request shall not take the places of many. */
export const MAX_CHOICES_AT_ONCE = 16;
/**
 * Numbers of all embeddings of an answer together, such as 2,048 of 1,024: their JSON is written in one go, in about half a second.
 */
export const MAX_EMBEDDING_NUMBERS = 2 ** 21;
/**
 * Log-probabilities of prompts' tokens in one answer, with those of the likeliest beside them: their JSON is written in one go, in
 * about half a second. A prompt of 128,000 tokens has as many with three likely ones for each.
 */
export const MAX_ECHO_NUMBERS = 2 ** 19;
export const MAX_STOPS = 16;
export const MAX_STOP_CHARS = 1000;

/** Clients on slow lines manage both; those that hold connections open on purpose do not. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 60_000;
/** How often the two above are looked at. */
export const TIMEOUT_CHECK_MS = 1_000;
/** A connection on which nothing moves, because the other side does not read, is cut. Own silence is shorter. */
export const IDLE_TIMEOUT_MS = 60_000;
/**
 * A connection without a request is kept for so long: longer than clients and proxies keep theirs (5 to 60 s), so that
 * none is closed just as a request is sent on it.
 */
export const KEEP_ALIVE_MS = 75_000;
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_HEADERS = 64;
/**
 * As many as requests that run and wait, and as many again; one address may have three quarters of them, since all clients
 * behind a proxy have one.
 */
export const CONNECTION_LIMITS = { total: 512, perAddress: 384 };

/** A stream's status is held back so long for an error that comes at once, such as a full queue. */
export const HOLD_STREAM_STATUS_MS = 1_000;
/** An answer that is not streamed shows its first sign of life after so long, and again each time. */
export const WHITESPACE_MS = 10_000;
/** Progress of the prompt phase for those who ask for it, about twice a second. */
export const PROGRESS_MS = 500;
/** Silence of a stream before readers that know no progress get a sign of life: some choke on what is no answer. */
export const STREAM_QUIET_MS = 5_000;
/** Longest silence of a stream. */
export const STREAM_SILENCE_MS = 10_000;
/** Bytes of a stream that may wait for a slow reader. */
export const MAX_UNREAD_BYTES = 64 * 1024;
/** Between a request that is told to end and its connection being cut. */
export const CUT_MS = 2_000;
/** What a client that is turned away should wait, where the engine expects nothing, and the most it is told. */
export const RETRY_AFTER_S = 2;
export const MAX_RETRY_AFTER_S = 600;
