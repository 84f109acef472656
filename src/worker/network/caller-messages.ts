/**
 * What callers ask of a worker's network thread, message by message: first a greeting, then, as a rule of engines,
 * links, runs, measurements.
 */
import { KvrError } from '../../core/errors.js';
import type { ComputeHandle } from '../threads/compute-handle.js';
import type { Connection } from './connections.js';
import type { Handshake } from './handshake.js';
import type { Probes } from './probes.js';
import type { ToWorker } from '../protocol/index.js';
import type { Requests } from './requests.js';
import type { RowsRouter } from './relay/rows-router.js';
import { send } from './send.js';

/** Who does what is asked. */
export type CallerHandlers = {
  readonly compute: ComputeHandle;
  readonly handshake: Handshake;
  readonly requests: Requests;
  readonly rows: RowsRouter;
  readonly probes: Probes;
  readonly onShutdown: () => void;
};

/** @throws PROTOCOL for a message out of place, which is worth no more than the end of its link */
export function handleCallerMessage(
  handlers: CallerHandlers,
  caller: Connection,
  message: ToWorker,
  payload: Uint8Array<ArrayBuffer>,
): void {
  if (caller.role === 'unknown' && message.type !== 'hello') {
    throw new KvrError('PROTOCOL', `first message was ${message.type}, expected hello`);
  }
  switch (message.type) {
    case 'hello':
      return handlers.handshake.receive(caller, message);
    case 'connect':
      return void handlers.handshake.connectPeers(caller, message.peers);
    case 'run':
      return handlers.requests.start(caller, message, payload);
    case 'vocabulary':
      return passVocabulary(handlers.compute, caller, message.tokens, payload);
    case 'probe':
      return handlers.probes.askKernels(caller.link, message);
    case 'probeLink':
      return void handlers.probes.measureLink(caller, message);
    case 'cancel':
      return handlers.rows.cancel(message.request);
    case 'cores':
      return handlers.compute.post(message);
    case 'ping':
      return send(caller.link, { type: 'pong', ping: message.ping });
    case 'shutdown':
      return handlers.onShutdown();
  }
}

function passVocabulary(
  compute: ComputeHandle,
  { number, role }: Connection,
  tokens: number,
  payload: Uint8Array<ArrayBuffer>,
): void {
  if (role !== 'engine') throw new KvrError('PROTOCOL', 'a vocabulary from a connection that is no engine');
  // A copy, since the frame's buffer may hold more than its payload.
  const packed = payload.slice();
  compute.post({ type: 'vocabulary', owner: number, tokens, packed }, [packed.buffer]);
}
