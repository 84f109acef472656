/**
 * What engine and workers say to each other in control frames. Parsed and checked on arrival, on both sides; a
 * payload, where one travels along, is named in the comment.
 */
import { z } from 'zod';
import { firstLine, KvrError } from '../core/errors.js';
import { MAX_TOP_LOGPROBS, samplingSchema } from '../core/sampling.js';
import { DTYPES, KV_DTYPES } from '../core/shape.js';
import type { ControlFrame } from '../link/frame.js';
import { MAX_BUCKETS } from './traffic-meter.js';

const index = z.number().int().min(0).max(0xffff_ffff);
const request = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const workerId = z.string().min(1).max(128);
const milliseconds = z.number().min(0);
/** A worker's name in the chain plus where it listens. */
const peer = z.object({ worker: workerId, address: z.string().max(512) });

/** Requests one worker holds at once, running and waiting. */
export const MAX_REQUESTS = 64;

/** single: one worker alone. kvr: the chain. tsp: all-gather with a barrier per layer; tsp-dense: likewise, with the full QKᵀ. */
export const STRATEGIES = ['single', 'kvr', 'tsp', 'tsp-dense'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Rows that a worker has kept of an earlier request: the entry's name and how many of its tokens the prompt begins with. */
const reuseSchema = z.object({ entry: request, tokens: index });

/** Payload: i32 ids of the rank's slice; for the last rank the whole prompt's. */
const runSchema = z.object({
  type: z.literal('run'),
  request,
  strategy: z.enum(STRATEGIES),
  rank: index,
  /** Worker ids in rank order. */
  chain: z.array(workerId).min(1).max(1024),
  /** Slice sizes in rank order; they add up to the prompt. */
  partition: z.array(index).min(1).max(1024),
  maxTokens: index,
  /** Of the caches on all ranks and of the rows between them. */
  kvDtype: z.enum(KV_DTYPES),
  sampling: samplingSchema,
  eosIds: z.array(index).max(1024),
  /** Tokens at which a chunk of rows must end: with them one worker can run the slices of several, one by one. */
  cutsAt: z.array(index).max(1024),
  /** Send the logits of the first token along. */
  wantLogits: z.boolean(),
  /** For the last rank: what the answer is held to; read where it is compiled. The vocabulary has come before. */
  grammar: z.unknown().optional(),
  /** For rank 0: its slice begins with rows it may still have. Where it has not, it computes them. */
  reuse: reuseSchema.optional(),
  /** For the last rank: keep the cache when the request has ended, if there is room, and say so. */
  keep: z.boolean().optional(),
});
export type RunMessage = z.infer<typeof runSchema>;

/** The tokens' bytes, for grammars: once for each link of an engine. Payload: as grammar/vocabulary.ts packs them. */
const vocabularySchema = z.object({ type: z.literal('vocabulary'), tokens: index });

/** Asks for kernel times on this worker: blocks of so many rows, attention of so many rows after a prefix. */
const probeSchema = z.object({
  type: z.literal('probe'),
  probe: index,
  blockTokens: z.array(index.min(1)).min(1).max(64),
  attention: z.array(z.object({ tokens: index.min(1), prefixTokens: index })).max(64),
  /** Of the caches that attention reads. */
  kvDtype: z.enum(KV_DTYPES),
  repeats: index.min(1).max(100),
});
export type ProbeMessage = z.infer<typeof probeSchema>;

/** The engine that links between workers belong to, where none is named. */
const ANY_ENGINE = 'engine';

export const toWorkerSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    role: z.enum(['engine', 'peer']),
    /** The caller's name: an engine's own, or the one its engine gave to the worker that calls. */
    worker: workerId,
    /** What an engine calls the worker it greets, in chains; the name the worker was started with unless given. */
    as: workerId.optional(),
    /** The engine that a peer's link is for. */
    engine: workerId.default(ANY_ENGINE),
  }),
  z.object({ type: z.literal('connect'), peers: z.array(peer).max(1024) }),
  runSchema,
  vocabularySchema,
  probeSchema,
  /** Asks for the latency and speed of the link to a peer, over frames of KV size. */
  z.object({ type: z.literal('probeLink'), probe: index, worker: workerId, frames: index.min(1).max(1024) }),
  z.object({ type: z.literal('cancel'), request }),
  /** Whether the worker may decode with all cores, since no other worker of the engine has anything to do. */
  z.object({ type: z.literal('cores'), all: z.boolean() }),
  z.object({ type: z.literal('ping'), ping: index }),
  z.object({ type: z.literal('shutdown') }),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;

const timelineEvent = z.object({
  kind: z.enum(['embed', 'block', 'attention', 'wait', 'send', 'head', 'cache']),
  layer: z.number().int(),
  start: index.optional(),
  startMs: milliseconds,
  endMs: milliseconds,
});
const bytesOverTime = z.array(z.number().min(0)).max(MAX_BUCKETS).readonly();
const traffic = z.object({
  bucketMs: milliseconds,
  sentBytes: bytesOverTime,
  receivedBytes: bytesOverTime,
});
export const timelineSchema = z.object({
  rank: index,
  slice: z.tuple([index, index]).readonly(),
  totalMs: milliseconds,
  computeMs: milliseconds,
  attentionMs: milliseconds,
  waitMs: milliseconds,
  sharedMs: milliseconds.optional(),
  cachedTokens: index.optional(),
  sentBytes: z.number().min(0),
  receivedBytes: z.number().min(0),
  traffic: traffic.optional(),
  events: z.array(timelineEvent).max(1_000_000).readonly(),
});

export const PHASES = ['load', 'connect', 'prefill', 'decode'] as const;
export type Phase = (typeof PHASES)[number];
const phase = z.enum(PHASES);

/** One timed call; `call` is what a chunk costs outside the kernels, `embed` the embedding of `tokens` rows. */
export const probeSampleSchema = z.object({
  kind: z.enum(['block', 'attention', 'head', 'embed', 'call']),
  tokens: index,
  prefixTokens: index,
  ms: milliseconds,
});
export type ProbeSample = z.infer<typeof probeSampleSchema>;

const logprobsSchema = z.object({
  logprob: z.number(),
  top: z
    .array(z.object({ id: index, logprob: z.number() }))
    .max(MAX_TOP_LOGPROBS)
    .readonly(),
});

/** What peers say to each other besides rows: echoes measure a link. */
export const peerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('echo'), echo: index, wantsAnswer: z.boolean() }),
  z.object({ type: z.literal('echoed'), echo: index }),
]);
export type PeerMessage = z.infer<typeof peerSchema>;

export const fromWorkerSchema = z.discriminatedUnion('type', [
  /** The first message of a worker on any link. */
  z.object({
    type: z.literal('ready'),
    pid: index,
    digest: z.string(),
    dtype: z.enum(DTYPES),
    threads: index,
    /** Rows in one kernel call: what the engine's costs and plans count in. */
    chunkTokens: index,
    /** Bytes of KV-cache that all its requests may take together. */
    kvBytesLimit: z.number().min(0),
  }),
  z.object({ type: z.literal('connected') }),
  z.object({ type: z.literal('progress'), request, phase, layer: index }),
  /** Payload: f32 logits [vocabulary] where they were asked for and index is 0. */
  z.object({
    type: z.literal('token'),
    request,
    index,
    id: index,
    logprobs: logprobsSchema.optional(),
    /** Made with the cores of all workers. */
    isWide: z.literal(true).optional(),
  }),
  /** The prompt phase of this rank is over. */
  z.object({ type: z.literal('prefilled'), request, timeline: timelineSchema }),
  /** The request's rows are kept under its number. Payload: i32 ids of the tokens they stand for. */
  z.object({ type: z.literal('kept'), request }),
  /** Kept rows are gone. */
  z.object({ type: z.literal('dropped'), entry: request }),
  /** The last rank is done; nothing more comes for this request. */
  z.object({ type: z.literal('finished'), request, reason: z.enum(['stop', 'length', 'cancelled']) }),
  z.object({
    type: z.literal('failed'),
    /** Absent where the failure concerns the worker as a whole. */
    request: request.optional(),
    code: z.string().max(64),
    message: z.string().max(4096),
    phase,
    layer: index.optional(),
  }),
  z.object({ type: z.literal('pong'), ping: index }),
  z.object({ type: z.literal('probed'), probe: index, samples: z.array(probeSampleSchema).max(10_000) }),
  z.object({
    type: z.literal('probedLink'),
    probe: index,
    latencyMs: milliseconds,
    bytesPerS: z.number().positive(),
  }),
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;

/** @throws PROTOCOL naming the field that is off. */
export function parseMessage<T>(schema: z.ZodType<T>, frame: ControlFrame): T {
  const parsed = schema.safeParse(frame.message);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new KvrError(
    'PROTOCOL',
    `message field ${issue?.path.join('.') || '(all)'}: ${firstLine(issue?.message ?? 'invalid')}`,
  );
}
