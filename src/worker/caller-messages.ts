/**
 * What callers ask of a worker's network thread, message by message: first a greeting, then, as a rule of engines,
 * links, runs, measurements.
 */
import { KvrError } from '../core/errors.js';
import type { ComputeHandle } from './compute-handle.js';
import type { Connection } from './connections.js';
import type { Greetings } from './greetings.js';
import type { Probes } from './probes.js';
import type { ToWorker } from './protocol.js';
import type { Requests } from './requests.js';
import type { RowsRouter } from './rows-router.js';
import { tell } from './tell.js';

/** Who does what is asked. */
export type Staff = {
  readonly compute: ComputeHandle;
  readonly greetings: Greetings;
  readonly requests: Requests;
  readonly rows: RowsRouter;
  readonly probes: Probes;
  readonly onShutdown: () => void;
};

/** @throws PROTOCOL for a message out of place, which is worth no more than the end of its link */
export function takeCallerMessage(
  staff: Staff,
  caller: Connection,
  message: ToWorker,
  payload: Uint8Array<ArrayBuffer>,
): void {
  if (caller.role === 'unknown' && message.type !== 'hello') {
    throw new KvrError('PROTOCOL', `first message was ${message.type}, expected hello`);
  }
  switch (message.type) {
    case 'hello':
      return staff.greetings.receive(caller, message);
    case 'connect':
      return void staff.greetings.connectPeers(caller, message.peers);
    case 'run':
      return staff.requests.start(caller, message, payload);
    case 'vocabulary':
      return passVocabulary(staff.compute, caller, message.tokens, payload);
    case 'probe':
      return staff.probes.askKernels(caller.link, message);
    case 'probeLink':
      return void staff.probes.measureLink(caller, message);
    case 'cancel':
      return staff.rows.cancel(message.request);
    case 'cores':
      return staff.compute.post(message);
    case 'ping':
      return tell(caller.link, { type: 'pong', ping: message.ping });
    case 'shutdown':
      return staff.onShutdown();
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
