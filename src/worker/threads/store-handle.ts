/**
 * The store's thread as the network thread sees it: started once the model is known, posted to, ended.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ModelShape } from '../../core/shape.js';
import { hasWindows } from '../../core/kv-rows.js';
import type { FromStore, PrefixDisk, StoreSettings, ToStore } from './store-messages.js';

export class StoreHandle {
  readonly #disk: PrefixDisk;
  readonly #settings: Pick<StoreSettings, 'model' | 'counters'>;
  #thread: Worker | undefined;

  constructor(disk: PrefixDisk, compiledFolder: string, counters: SharedArrayBuffer) {
    this.#disk = disk;
    this.#settings = { model: storedModel(compiledFolder), counters };
  }

  /** The same for all workers that see the same files. */
  get id(): string {
    const { folder } = this.#disk;
    const place = `${hostname()}\n${resolve(folder)}\n${this.#settings.model}`;
    return createHash('sha256').update(place).digest('hex').slice(0, 32);
  }

  start(shape: ModelShape, onMessage: (message: FromStore) => void): void {
    const workerData: StoreSettings = {
      ...this.#disk,
      ...this.#settings,
      hasWindows: hasWindows(shape),
    };
    const thread = new Worker(new URL('../store-thread.js', import.meta.url), { workerData });
    thread.on('message', onMessage);
    thread.on('error', (error: unknown) => {
      onMessage({ type: 'warning', words: `the prefix cache on disk is off: ${String(error)}` });
      onMessage({ type: 'off' });
    });
    this.#thread = thread;
  }

  post(order: ToStore): void {
    this.#thread?.postMessage(order, order.type === 'write' ? [order.block.rows.buffer as ArrayBuffer] : []);
  }

  /** What is written just now is left unfinished, as after any other end of the process. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }
}

/** The name that blocks of a compiled model are kept under. */
export function storedModel(compiledFolder: string): string {
  return basename(compiledFolder);
}
