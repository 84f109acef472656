/**
 * The flags that commands share, as data: how they are typed, what they mean, how their text becomes a value. Bounds
 * and defaults are the engine's own.
 */
export { type ChainFlags, chainFlags, orderFlags, parsePartition } from './chain.js';
export { defined } from './defined.js';
export { engineOptions } from './engine-options.js';
export { checkListenReach } from '../../link/reach/listen-reach.js';
export { choiceFlag, listFlag, notEmpty, numberFlag } from './kinds.js';
export { machineFlags, type ModelFlags, modelFlag } from './machine.js';
export { type OutputFlags, outputFlags } from './output.js';
export { requestOptions } from './request-options.js';
export { roomFlags, type RoomFlags, roomOf, roomOption } from './room.js';
export { type SamplingFlags, samplingFlags } from './sampling.js';
export { linkSecurity, securityFlags, type SecurityFlags } from './security.js';
export { parseWorkers } from './workers.js';
