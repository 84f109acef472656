/**
 * The memory of a model's KV caches: buffers that are given back by name, not by a garbage collector, and counted. V8 collects
 * when something is allocated, so what a cancelled request leaves would stay for as long as nothing else comes (measured: 64
 * dropped caches of 60 MB, 4 GB, for good). Owned by the compute thread.
 */
import { MessageChannel } from 'node:worker_threads';
import type { KvMemoryCount } from '../../backend/kv-cache.js';

export class KvMemory implements KvMemoryCount {
  heldBytes = 0;
  taken = 0;
  readonly #sink = closedPort();

  /**
   * A buffer of zeros. Large ones are mapped by the C library and take memory only where something is written (malloc-env.ts).
   * @throws RangeError where the system has no room for it
   */
  take(bytes: number): ArrayBuffer {
    const buffer = new ArrayBuffer(bytes);
    this.heldBytes += bytes;
    this.taken++;
    return buffer;
  }

  /** Frees the buffer at once. Views on it have a length of 0 from then on. */
  giveBack(buffer: ArrayBuffer): void {
    this.heldBytes -= buffer.byteLength;
    this.#sink.postMessage(undefined, [buffer]);
  }
}

/** What is transferred to a port that is closed belongs to nobody, and is freed before the call returns. */
function closedPort() {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
