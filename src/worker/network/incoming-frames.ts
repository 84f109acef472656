/**
 * Hands every frame that comes in to its handler: rows and echoes from peers, and messages from callers (first a hello, then
 * usually from engines: links, runs, measurements).
 */
import { asKvrError, KvrError } from '../../core/errors.js';
import type { Frame } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { ComputeHandle } from '../threads/compute-handle.js';
import type { Connection } from './door/connection.js';
import type { Handshake } from './handshake.js';
import type { Joining } from './joining/joining.js';
import type { Leaving } from './joining/leaving.js';
import type { Probes } from './probes.js';
import { parseMessage, peerSchema, type ToWorker, toWorkerSchema } from '../protocol/index.js';
import type { MemoryBudget } from './door/memory-budget.js';
import type { Peers } from './peers.js';
import type { Requests } from './requests.js';
import type { StoredBlocks } from './stored-blocks.js';
import type { RowsRouter } from './relay/rows-router.js';
import { send } from './send.js';

/** Who handles which message. */
export type FrameHandlers = {
  readonly peers: Peers;
  readonly compute: ComputeHandle;
  readonly handshake: Handshake;
  readonly requests: Requests;
  readonly rows: RowsRouter;
  readonly probes: Probes;
  readonly budget: MemoryBudget;
  /** Where the worker joins an engine. */
  readonly joining: Joining | undefined;
  readonly leaving: Leaving<Link>;
  readonly stored: StoredBlocks;
};

/** Answers that wait for an engine: hundreds of tokens with all their logits. */
const MAX_UNREAD_BYTES = 256 << 20;

/** A peer or engine that sends an invalid frame loses its link. */
export function handleFrame(handlers: FrameHandlers, connection: Connection, frame: Frame): void {
  const { role, link } = connection;
  try {
    if (role === 'engine' && link.bufferedBytes > MAX_UNREAD_BYTES)
      throw new KvrError('LINK', `an engine asks, but has not read ${link.bufferedBytes} bytes of answers`);
    if (frame.kind === 'kv') {
      if (role !== 'peer') throw new KvrError('PROTOCOL', 'KV rows from a connection that is not a peer');
      handlers.rows.receive(frame, connection);
    } else if (role === 'peer') handlers.peers.onMessage(link, parseMessage(peerSchema, frame));
    else handleMessage(handlers, connection, parseMessage(toWorkerSchema, frame), frame.payload);
  } catch (error) {
    link.close(asKvrError(error));
  }
}

/** @throws PROTOCOL for a message out of place */
function handleMessage(
  handlers: FrameHandlers,
  caller: Connection,
  message: ToWorker,
  payload: Uint8Array<ArrayBuffer>,
): void {
  if (caller.role === 'unknown' && message.type !== 'hello' && message.type !== 'refused') {
    throw new KvrError('PROTOCOL', `first message was ${message.type}, expected hello`);
  }
  switch (message.type) {
    case 'hello':
      handlers.handshake.receive(caller, message);
      return handlers.joining?.owns(caller) ? handlers.joining.onGreeted(caller) : undefined;
    case 'connect':
      return void handlers.handshake.connectPeers(caller, message.peers);
    case 'run':
      return handlers.requests.start(caller, message, payload);
    case 'vocabulary':
      return passVocabulary(handlers, caller, message.tokens, payload);
    case 'probe':
      return handlers.probes.askKernels(caller, message);
    case 'probeLink':
      return void handlers.probes.measureLink(caller, message);
    case 'cancel':
      return handlers.rows.cancelFor(caller.link, message.request);
    case 'cores':
      return handlers.compute.post(message);
    case 'followStore':
      return handlers.stored.follow(caller.link);
    case 'ping':
      return send(caller.link, { type: 'pong', ping: message.ping });
    case 'released':
      return handlers.leaving.release(caller.link);
    case 'refused':
      return handlers.joining?.onRefused(caller, message);
  }
}

function passVocabulary(
  { compute, budget }: FrameHandlers,
  caller: Connection,
  tokens: number,
  payload: Uint8Array<ArrayBuffer>,
): void {
  if (caller.hasVocabulary) throw new KvrError('PROTOCOL', 'a second vocabulary of one engine');
  caller.hasVocabulary = true;
  // The compute thread keeps it as long as the engine is connected.
  budget.hold(caller, payload.byteLength);
  // A copy, since the frame's buffer may hold more than its payload.
  const packed = payload.slice();
  compute.post({ type: 'vocabulary', owner: caller.number, tokens, packed }, [packed.buffer]);
}
