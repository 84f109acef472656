/**
 * The messages between engine and workers, in control frames, one file for each sender. Both sides check them on arrival; a
 * payload, where a message has one, is named in its comment.
 */
export type { Phase } from './fields.js';
export { type FromWorker, fromWorkerSchema } from './from-worker.js';
export { joinSchema, type JoinMessage, workerNameSchema } from './joining.js';
export { parseMessage } from './parse.js';
export { type PeerMessage, peerSchema } from './peers.js';
export type { ProbeMessage, ProbeSample } from './probe.js';
export { MAX_REQUESTS, type RunMessage } from './run.js';
export { readStored, readUnstored } from './stored.js';
export { type ToWorker, toWorkerSchema } from './to-worker.js';
