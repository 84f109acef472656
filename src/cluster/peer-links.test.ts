import { describe, expect, test } from 'vitest';
import { KvrError } from '../core/errors.js';
import type { ClusterWorker } from './cluster.js';
import { PeerLinks } from './peer-links.js';
import type { WorkerHandle, WorkerListener } from './worker-handle.js';

/** A worker whose answers the test gives, at the moment that it chooses. */
class FakeHandle {
  readonly id: string;
  readonly isEnded = false;
  /** One for every time it was told to link to another worker. */
  readonly dials: { readonly succeed: () => void; readonly fail: () => void }[] = [];
  readonly listeners = new Set<WorkerListener>();
  readonly #enders = new Set<() => void>();

  constructor(id: string) {
    this.id = id;
  }

  listen(listener: WorkerListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  onEnd(listener: () => void): void {
    this.#enders.add(listener);
  }

  end(): void {
    for (const listener of this.#enders) listener();
  }

  connectPeer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.dials.push({ succeed: resolve, fail: () => reject(new KvrError('LINK', 'refused')) });
    });
  }

  /** Heard at once, as the next frame of the same chunk is. */
  tellLost(worker: string): void {
    for (const listener of this.listeners)
      listener({ type: 'peerLost', worker, reason: 'cut' }, new Uint8Array());
  }
}

async function linked(): Promise<{ links: PeerLinks; first: FakeHandle; second: FakeHandle }> {
  const [first, second] = [new FakeHandle('first'), new FakeHandle('second')];
  const links = new PeerLinks('retry', () => undefined);
  const joined = links.join(workerOf(second), [workerOf(first)]);
  first.dials[0]?.succeed();
  await joined;
  return { links, first, second };
}

const handleOf = (handle: FakeHandle): WorkerHandle => handle as unknown as WorkerHandle;
const workerOf = (handle: FakeHandle): ClusterWorker =>
  ({ handle: handleOf(handle) }) as unknown as ClusterWorker;
/** All that waits for promises has run. */
const settled = (): Promise<void> => new Promise(setImmediate);

describe('a link between two workers', () => {
  test('is there once the one that was first has opened it', async () => {
    const { links, first, second } = await linked();
    expect(links.areLinked(handleOf(second), handleOf(first))).toBe(true);
    expect(second.dials).toHaveLength(0);
  });

  test.each(['first', 'second'] as const)(
    'is opened again when the %s tells that it is lost',
    async (end) => {
      const both = await linked();
      both[end].tellLost(end === 'first' ? 'second' : 'first');
      expect(both.links.areLinked(handleOf(both.first), handleOf(both.second))).toBe(false);
      both.first.dials[1]?.succeed();
      await settled();
      expect(both.links.areLinked(handleOf(both.first), handleOf(both.second))).toBe(true);
    },
  );

  test('is opened again when the loss is told right behind the word that it stands', async () => {
    const { links, first, second } = await linked();
    // The one that does not dial notices first, so the other still takes the link for one that stands.
    second.tellLost('first');
    first.dials[1]?.succeed();
    first.tellLost('second');
    await settled();
    expect(first.dials).toHaveLength(3);
    expect(links.areLinked(handleOf(first), handleOf(second))).toBe(false);
    first.dials[2]?.succeed();
    await settled();
    expect(links.areLinked(handleOf(first), handleOf(second))).toBe(true);
  });

  test('that both ends tell of is opened once where the second knows before it stands', async () => {
    const { first, second } = await linked();
    first.tellLost('second');
    second.tellLost('first');
    expect(first.dials).toHaveLength(2);
    first.dials[1]?.succeed();
    await settled();
    // It asks once more, and is told that the link stands.
    first.dials[2]?.succeed();
    await settled();
    expect(first.dials).toHaveLength(3);
  });

  test('ends with one of the two, and leaves the other no listener', async () => {
    const { links, first, second } = await linked();
    second.end();
    expect(links.areLinked(handleOf(first), handleOf(second))).toBe(false);
    expect(first.listeners.size).toBe(0);
  });
});
