/**
 * Messages of the compute thread to the network thread: rows go to peers, everything else to the engine that it concerns.
 */
import type { KeptOwners } from './kept-owners.js';
import type { ModelStatus } from './model-status.js';
import type { Peers } from './peers.js';
import type { Probes } from './probes.js';
import type { Requests } from './requests.js';
import type { RowsRouter } from './relay/rows-router.js';
import type { StoreHandle } from '../threads/store-handle.js';
import type { StoredBlocks } from './stored-blocks.js';
import type { RestingMemory } from '../../runtime/memory/resting-memory.js';
import { collectGarbage } from '../threads/idle-collection.js';
import type { FromCompute } from '../threads/thread-messages.js';

/** Who takes the messages. */
export type ComputeHandlers = {
  readonly modelStatus: ModelStatus;
  readonly requests: Requests;
  readonly rows: RowsRouter;
  readonly peers: Peers;
  readonly probes: Probes;
  readonly kept: KeptOwners;
  readonly stored: StoredBlocks;
  readonly store: StoreHandle | undefined;
  readonly resting: Pick<RestingMemory, 'noteWarm' | 'rest'>;
};

export function handleComputeMessage(
  { modelStatus, requests, rows, peers, probes, kept, stored, store, resting }: ComputeHandlers,
  message: FromCompute,
): void {
  switch (message.type) {
    case 'ready':
      store?.start(message.shape, (news) => stored.onMessage(news));
      return modelStatus.onReady(message);
    case 'store':
      return store?.post(message.order);
    case 'publish':
      return rows.publish(message);
    case 'drained':
      return peers.resumeAll();
    case 'warm':
      return resting.noteWarm();
    case 'quiet':
      // The other thread has collected its own before it said so.
      collectGarbage();
      return void resting.rest();
    case 'token':
      return requests.onToken(message);
    case 'pooled':
      return requests.onPooled(message);
    case 'promptLogprobs':
      return requests.onPromptLogprobs(message);
    case 'progress':
      return requests.sendToEngine(message.request, message);
    case 'prefilled':
      return requests.onPrefilled(message);
    case 'finished':
      return requests.end(message.request, message);
    case 'failed': {
      const { request, ...failure } = message;
      if (request !== undefined) return requests.end(request, { ...failure, request });
      // Once the model is open, nothing but a measurement fails without a request.
      return modelStatus.shape ? probes.onFailed(failure) : modelStatus.onFailed(failure);
    }
    case 'kept':
      return kept.onKept(message, requests.engineOf(message.request));
    case 'dropped':
      return kept.onDropped(message);
    case 'probed':
      return probes.onProbed(message);
  }
}
