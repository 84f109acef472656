/**
 * Which blocks of prompts lie on the workers' disks, by folder, as the workers tell. Finds how much of a prompt a worker can read. May
 * lag behind: a block that is gone by then is computed.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import type { KvDtype } from '../../core/shape.js';
import { blockHashes } from '../../prefix-store/block-hashes.js';
import { longestPrefix } from '../../prefix-store/longest-prefix.js';
import { readStored, readUnstored } from '../../worker/protocol/index.js';
import type { CachedPrefix } from './prefix-index.js';

/** Of one folder: as many as a worker knows, see MAX_KNOWN_BLOCKS. */
const MAX_BLOCKS = 1 << 20;

/** One for each worker of the longest chain that people run; each has up to MAX_BLOCKS names. */
export const MAX_FOLDERS = 64;

/** What is found later is used from then on. A folder of 100,000 files is read in about a second. */
const OPEN_TIMEOUT_MS = 10_000;

/** From where each block holds rows, and who can read them, in chain order. */
type Folder = { readonly blocks: Map<string, number>; readonly workers: Map<string, WorkerHandle> };

export class StoredIndex {
  readonly #folders = new Map<string, Folder>();
  readonly #followed = new Map<WorkerHandle, Promise<void>>();

  /** Listens to these workers for as long as they are there. */
  follow(workers: readonly Pick<ClusterWorker, 'handle' | 'ready'>[]): void {
    for (const { workers: readers } of this.#folders.values())
      for (const [worker, handle] of readers) if (handle.isEnded) readers.delete(worker);
    for (const [handle] of this.#followed) if (handle.isEnded) this.#followed.delete(handle);
    for (const { handle, ready } of workers)
      if (ready.storeId !== undefined && !this.#followed.has(handle)) this.#listenTo(handle, ready.storeId);
  }

  /** Blocks that are known, of all folders. */
  get blocks(): number {
    return [...this.#folders.values()].reduce((sum, { blocks }) => sum + blocks.size, 0);
  }

  /** Settles when the workers that are there have told all that they found at their start, or after a while. */
  async known(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, OPEN_TIMEOUT_MS)));
    await Promise.race([Promise.all(this.#followed.values()), late]);
    clearTimeout(timer);
  }

  /** The longest prefix in each folder, with the worker that is to read it. @param workers ids in chain order */
  find(ids: Int32Array, kvDtype: KvDtype, workers: readonly string[]): CachedPrefix[] {
    if (this.blocks === 0) return [];
    const hashes = blockHashes(kvDtype, ids);
    return [...this.#folders.values()].flatMap((folder) => {
      const worker = workers.find((id) => folder.workers.has(id));
      const tokens = longestPrefix(hashes, (hash) => folder.blocks.get(hash));
      return worker !== undefined && tokens > 0 ? [{ worker, tokens }] : [];
    });
  }

  /** A folder that nobody can read; its workers may still come back to it, so it goes only for another one. */
  #forgetOne(): boolean {
    const unread = [...this.#folders].find(([, { workers }]) => workers.size === 0);
    return unread !== undefined && this.#folders.delete(unread[0]);
  }

  #listenTo(handle: WorkerHandle, storeId: string): void {
    const folder = this.#folders.get(storeId) ?? { blocks: new Map(), workers: new Map() };
    // What a folder holds is still there when its only worker was started anew.
    if (!this.#folders.has(storeId) && this.#folders.size >= MAX_FOLDERS && !this.#forgetOne()) return;
    this.#folders.set(storeId, folder);
    folder.workers.set(handle.id, handle);
    this.#followed.set(handle, opened(handle));
    handle.listen((message, payload) => {
      if (message.type === 'stored') learn(folder.blocks, payload);
      else if (message.type === 'unstored')
        for (const hash of readUnstored(payload)) folder.blocks.delete(hash);
    });
    handle.send({ type: 'followStore' });
  }
}

function opened(handle: WorkerHandle): Promise<void> {
  return new Promise((resolve) => {
    handle.listen((message) => message.type === 'storeOpen' && resolve());
    handle.onEnd(() => resolve());
  });
}

function learn(blocks: Map<string, number>, payload: Uint8Array): void {
  for (const { hash, start } of readStored(payload))
    if (blocks.size < MAX_BLOCKS || blocks.has(hash)) blocks.set(hash, start);
}
