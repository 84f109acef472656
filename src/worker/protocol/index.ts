/**
 * What engine and workers say to each other in control frames. Parsed and checked on arrival, on both sides; a
 * payload, where one travels along, is named in the comment. The messages are in protocol/, by who speaks.
 */
export type { Phase } from './fields.js';
export { type FromWorker, fromWorkerSchema } from './from-worker.js';
export { parseMessage } from './parse.js';
export { type PeerMessage, peerSchema } from './peers.js';
export type { ProbeMessage, ProbeSample } from './probe.js';
export { MAX_REQUESTS, type RunMessage } from './run.js';
export { type ToWorker, toWorkerSchema } from './to-worker.js';
