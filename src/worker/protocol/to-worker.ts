/**
 * Messages of an engine to a worker. A peer sends only `hello` of these, then those in peers.ts.
 */
import { z } from 'zod';
import { MAX_RANKS } from '../../core/partition.js';
import { index, request, workerId } from './fields.js';
import { probeSchema } from './probe.js';
import { runSchema } from './run.js';

/** A worker's name in the chain plus where it listens. */
const peer = z.object({ worker: workerId, address: z.string().max(512) });

/** The tokens' bytes, for grammars: once for each link of an engine. Payload: as grammar/vocabulary.ts packs them. */
const vocabularySchema = z.object({ type: z.literal('vocabulary'), tokens: index });

/** In the measurement of a link: twice what an engine asks for. */
const MAX_PROBE_FRAMES = 64;

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
  /** Asks for links to these workers; those that stand are left as they are. */
  z.object({ type: z.literal('connect'), peers: z.array(peer).max(MAX_RANKS) }),
  runSchema,
  vocabularySchema,
  probeSchema,
  /** Asks for the latency and speed of the link to a peer, over frames of KV size. */
  z.object({
    type: z.literal('probeLink'),
    probe: index,
    worker: workerId,
    frames: index.min(1).max(MAX_PROBE_FRAMES),
  }),
  z.object({ type: z.literal('cancel'), request }),
  /** Whether the worker may decode with all cores: no other worker of the engine has anything to do. */
  z.object({ type: z.literal('cores'), all: z.boolean() }),
  /** Asks which blocks are on the worker's disk, and to be told what changes. */
  z.object({ type: z.literal('followStore') }),
  z.object({ type: z.literal('ping'), ping: index }),
  /** To a worker that leaves: no request follows any more. */
  z.object({ type: z.literal('released') }),
  /** To a worker that joined: it is not wanted as it is, and why. */
  z.object({ type: z.literal('refused'), code: z.string().max(64), message: z.string().max(4096) }),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;
