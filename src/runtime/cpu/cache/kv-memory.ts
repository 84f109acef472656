/**
 * The memory of a model's KV caches, counted: taken with the first rows of a cache, freed as it closes and not when V8 collects
 * garbage (measured without: 64 dropped caches of 60 MB, 4 GB, stayed for good). Owned by the compute thread.
 */
import type { KvMemoryCount } from '../../backend/kv-cache.js';
import { freeBuffer } from '../../sessions/free-buffer.js';

export class KvMemory implements KvMemoryCount {
  heldBytes = 0;
  taken = 0;

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

  /** Views on the buffer are not to be read any more. */
  giveBack(buffer: ArrayBuffer): void {
    this.heldBytes -= buffer.byteLength;
    freeBuffer(buffer);
  }
}
