/**
 * Holds an answer back until the files that its workers run from are known to be whole. Progress goes through.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { ChainEvent } from '../chain/chain-events.js';
import { cancelled } from '../chain/chain-failure.js';

/** @throws CACHE_DAMAGED before anything of the answer was handed out, CANCELLED, and as the events do */
export async function* heldUntilSound(
  events: AsyncIterable<ChainEvent>,
  workers: readonly Pick<ClusterWorker, 'files'>[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ChainEvent> {
  let isKnown = false;
  for await (const event of events) {
    if (!isKnown && (event.type === 'token' || event.type === 'finished')) {
      await throwUnlessSound(areSound(workers), signal);
      isKnown = true;
    }
    yield event;
  }
}

/** Waits until the files of all these workers are known. */
export async function areSound(workers: readonly Pick<ClusterWorker, 'files'>[]): Promise<boolean> {
  const all = await Promise.all(workers.map(async ({ files }) => (await files?.isSound()) ?? true));
  return all.every(Boolean);
}

async function throwUnlessSound(isSound: Promise<boolean>, signal: AbortSignal | undefined): Promise<void> {
  if (await unlessAborted(isSound, signal)) return;
  throw new KvrError('CACHE_DAMAGED', 'the compiled model is damaged on disk; ask again, it is made anew');
}

/** @throws CANCELLED as soon as the signal is aborted */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const settled = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(cancelled());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true, signal: settled.signal });
  });
  return Promise.race([promise, aborted]).finally(() => settled.abort());
}
