/**
 * Whether the model could be opened, as the compute thread reports it: sent to everyone who is connected, and to those who
 * connect later.
 */
import type { ModelShape } from '../../core/shape.js';
import type { Link } from '../../link/link.js';
import { thisMachine } from '../../runtime/machine.js';
import type { Connections } from './connections.js';
import type { FromWorker } from '../protocol/index.js';
import type { WorkerSettings } from '../protocol/settings.js';
import { send } from './send.js';
import type { FromCompute } from '../threads/thread-messages.js';

export class ModelStatus {
  readonly #settings: WorkerSettings;
  readonly #connections: Connections;
  readonly #storeId: string | undefined;
  #news: Extract<FromWorker, { type: 'ready' | 'failed' }> | undefined;
  #shape: ModelShape | undefined;

  /** @param storeId of the folder on disk, where there is one */
  constructor(settings: WorkerSettings, connections: Connections, storeId?: string) {
    this.#storeId = storeId;
    this.#settings = settings;
    this.#connections = connections;
  }

  /** Undefined until the model is open. */
  get shape(): ModelShape | undefined {
    return this.#shape;
  }

  /** Sends the status to a caller that has just said hello, if it is known yet. */
  sendTo(link: Link): void {
    if (this.#news) send(link, this.#news);
  }

  onReady({ digest, dtype, shape }: Extract<FromCompute, { type: 'ready' }>): void {
    const { threads, chunkTokens, kvBytesLimit } = this.#settings;
    this.#shape = shape;
    this.#news = {
      ...{ type: 'ready', pid: process.pid },
      ...{ digest, dtype, threads, chunkTokens, kvBytesLimit },
      ...(this.#storeId !== undefined && { storeId: this.#storeId }),
      machine: thisMachine(),
    };
    this.#connections.sendToGreeted(this.#news);
  }

  /** The model can not be opened. Peers are not told; the engine closes their links. */
  onFailed(failure: Extract<FromWorker, { type: 'failed' }>): void {
    this.#news ??= failure;
    this.#connections.sendToEngines(failure);
  }
}
