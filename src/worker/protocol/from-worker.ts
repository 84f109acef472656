/**
 * Messages of a worker to an engine.
 */
import { z } from 'zod';
import { machineSchema } from '../../core/machine.js';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import { DTYPES } from '../../core/shape.js';
import { rankTimelineSchema } from '../../core/timeline.js';
import { index, milliseconds, phase, request, workerId } from './fields.js';
import { probeSampleSchema } from './probe.js';

const logprobsSchema = z.object({
  logprob: z.number(),
  top: z
    .array(z.object({ id: index, logprob: z.number() }))
    .max(MAX_TOP_LOGPROBS)
    .readonly(),
});

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
    /** The folder on disk that it keeps prefixes in, the same for all workers that share it; absent where there is none. */
    storeId: z.string().min(1).max(64).optional(),
    /** What it runs on. */
    machine: machineSchema.optional(),
  }),
  /** The link to a peer is open. */
  z.object({ type: z.literal('connected'), worker: workerId }),
  z.object({
    type: z.literal('connectFailed'),
    worker: workerId,
    code: z.string().max(64),
    message: z.string().max(4096),
  }),
  /** The link to a peer has ended; `connect` opens it again. */
  z.object({ type: z.literal('peerLost'), worker: workerId, reason: z.string().max(4096) }),
  z.object({ type: z.literal('progress'), request, phase, layer: index }),
  /** Payload: f32 logits [vocabulary] where they were asked for and index is 0. */
  z.object({
    type: z.literal('token'),
    request,
    index,
    id: index,
    logprobs: logprobsSchema.optional(),
    /** Made with the cores of all workers. */
    onAllCores: z.literal(true).optional(),
  }),
  /** So many rows of this rank's slice after the final norm, added up, where they were asked for. Payload: f64 sums [hidden]. */
  z.object({ type: z.literal('pooled'), request, tokens: index }),
  /**
   * What the model thinks of the tokens behind some of this rank's rows, where that was asked for. Payload: f64 [rows, 1 + 2·top], each
   * row the token's log-probability, then ids and log-probabilities of the likeliest, best first.
   */
  z.object({
    type: z.literal('promptLogprobs'),
    request,
    /** Of the first row. */
    start: index,
    top: z.number().int().min(0).max(MAX_TOP_LOGPROBS),
  }),
  /** The prompt phase of this rank is over. */
  z.object({ type: z.literal('prefilled'), request, timeline: rankTimelineSchema }),
  /** The request's rows are kept under its number. Payload: i32 ids of the tokens they stand for. */
  z.object({ type: z.literal('kept'), request }),
  /** Kept rows are gone. */
  z.object({ type: z.literal('dropped'), entry: request }),
  /** Blocks that can be read from the worker's disk. Payload: see stored.ts. */
  z.object({ type: z.literal('stored') }),
  /** All blocks that were there at the start have been told. */
  z.object({ type: z.literal('storeOpen') }),
  /** Blocks that can not be read any more. Payload: their names. */
  z.object({ type: z.literal('unstored') }),
  /** Something went wrong on the worker and does not matter to any request. */
  z.object({ type: z.literal('warning'), words: z.string().max(4096) }),
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
    /** The worker at the other end, where a link broke: it may be the one that is gone. */
    peer: workerId.optional(),
  }),
  z.object({ type: z.literal('pong'), ping: index }),
  /** It finishes what it has and then goes; `released` answers that it will get nothing more. */
  z.object({ type: z.literal('leaving') }),
  z.object({ type: z.literal('probed'), probe: index, samples: z.array(probeSampleSchema).max(10_000) }),
  z.object({
    type: z.literal('probedLink'),
    probe: index,
    latencyMs: milliseconds,
    bytesPerS: z.number().positive(),
  }),
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;
