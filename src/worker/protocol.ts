/**
 * What engine and workers say to each other in control frames. Parsed and checked on arrival, on both sides; a
 * payload, where one travels along, is named in the comment. The messages are in protocol/, by who speaks.
 */
export type { Phase } from './protocol/fields.js';
export { type FromWorker, fromWorkerSchema } from './protocol/from-worker.js';
export { parseMessage } from './protocol/parse.js';
export { type PeerMessage, peerSchema } from './protocol/peers.js';
export type { ProbeMessage, ProbeSample } from './protocol/probe.js';
export { MAX_REQUESTS, type RunMessage, STRATEGIES, type Strategy } from './protocol/run.js';
export { type ToWorker, toWorkerSchema } from './protocol/to-worker.js';
