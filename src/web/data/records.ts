/**
 * What the server tells of itself and of its requests, as this page needs it.
 */
import type { RankTimeline, TimelineEvent, Traffic } from '../../core/timeline.js';
import { finite, flag, listOf, objectOf, oneOf, orElse, orNull, pairOf, type Shape, text } from './shape.js';

/** A chain has at most 64 ranks; a rank's record holds a few events a layer and chunk. */
export const MAX_RANKS = 64;
const MAX_EVENTS = 200_000;
const MAX_RECORDS = 50;
/** Stands for the first row of events that have no rows, as waits and sends. */
export const NO_ROWS = -1;

/** More than workers tell. */
const MAX_BUCKETS = 1024;
const NO_TRAFFIC: Traffic = { bucketMs: 1, sentBytes: [], receivedBytes: [] };

export type ServerInfo = {
  readonly version: string;
  readonly model: {
    readonly name: string;
    readonly architecture: string;
    readonly layers: number;
    readonly parameters: number;
    readonly contextTokens: number;
    readonly hasChatTemplate: boolean;
  };
  readonly dtype: string;
  readonly workers: number;
  readonly threads: number;
};

export type RequestStatus = 'queued' | 'prefill' | 'decode' | 'done' | 'failed' | 'cancelled';

export type RequestRecord = {
  readonly id: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly atMs: number;
  readonly kind: string;
  readonly status: RequestStatus;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly queueMs: number | null;
  readonly ttftMs: number | null;
  readonly predictedTtftMs: number | null;
  /** Predicted for one worker alone. */
  readonly singleTtftMs: number | null;
  readonly decodeTokensPerSecond: number | null;
  readonly partition: readonly number[];
  readonly timeline: readonly RankTimeline[];
  readonly error: { readonly message: string } | null;
};

export const serverInfo: Shape<ServerInfo> = objectOf<ServerInfo>({
  version: text,
  model: objectOf<ServerInfo['model']>({
    name: text,
    architecture: text,
    layers: finite,
    parameters: finite,
    contextTokens: finite,
    hasChatTemplate: flag,
  }),
  dtype: text,
  workers: finite,
  threads: finite,
});

const timelineEvent: Shape<TimelineEvent> = objectOf<TimelineEvent>({
  kind: oneOf('embed', 'block', 'attention', 'wait', 'send', 'head', 'cache'),
  layer: finite,
  start: orElse<number | undefined>(finite, NO_ROWS),
  startMs: finite,
  endMs: finite,
});

const bytesOverTime = listOf(finite, MAX_BUCKETS);
const traffic: Shape<Traffic> = objectOf<Traffic>({
  bucketMs: finite,
  sentBytes: bytesOverTime,
  receivedBytes: bytesOverTime,
});

const rankTimeline: Shape<RankTimeline> = objectOf<RankTimeline>({
  rank: finite,
  slice: pairOf(finite),
  totalMs: finite,
  computeMs: finite,
  attentionMs: finite,
  waitMs: finite,
  sentBytes: finite,
  receivedBytes: finite,
  traffic: orElse<Traffic | undefined>(traffic, NO_TRAFFIC),
  sharedMs: orElse<number | undefined>(finite, 0),
  cachedTokens: orElse<number | undefined>(finite, 0),
  events: listOf(timelineEvent, MAX_EVENTS),
});

export const timelines: Shape<readonly RankTimeline[]> = listOf(rankTimeline, MAX_RANKS);

export const requestRecord: Shape<RequestRecord> = objectOf<RequestRecord>({
  id: text,
  atMs: finite,
  kind: text,
  status: oneOf('queued', 'prefill', 'decode', 'done', 'failed', 'cancelled'),
  promptTokens: finite,
  cachedTokens: orElse(finite, 0),
  completionTokens: orElse(finite, 0),
  queueMs: orNull(finite),
  ttftMs: orNull(finite),
  predictedTtftMs: orNull(finite),
  singleTtftMs: orNull(finite),
  decodeTokensPerSecond: orNull(finite),
  partition: orElse(listOf(finite, MAX_RANKS), []),
  timeline: orElse(timelines, []),
  error: orNull(objectOf<{ message: string }>({ message: text })),
});

export const requestList: Shape<{ readonly requests: readonly RequestRecord[] }> = objectOf<{
  requests: readonly RequestRecord[];
}>({ requests: listOf(requestRecord, MAX_RECORDS) });
