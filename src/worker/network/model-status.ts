/**
 * What became of modelStatus the model, once the compute thread has said so: told to all who are connected, and to those
 * who connect later.
 */
import type { ModelShape } from '../../core/shape.js';
import type { Link } from '../../link/link.js';
import type { Connections } from './connections.js';
import type { FromWorker } from '../protocol/index.js';
import type { WorkerSettings } from '../protocol/settings.js';
import { send } from './send.js';
import type { FromCompute } from '../threads/thread-messages.js';

export class ModelStatus {
  readonly #settings: WorkerSettings;
  readonly #connections: Connections;
  #news: Extract<FromWorker, { type: 'ready' | 'failed' }> | undefined;
  #shape: ModelShape | undefined;

  constructor(settings: WorkerSettings, connections: Connections) {
    this.#settings = settings;
    this.#connections = connections;
  }

  /** Undefined until the model is open. */
  get shape(): ModelShape | undefined {
    return this.#shape;
  }

  /** Tells whoever has just greeted, as far as there is something to tell. */
  sendTo(link: Link): void {
    if (this.#news) send(link, this.#news);
  }

  onReady({ digest, dtype, shape }: Extract<FromCompute, { type: 'ready' }>): void {
    const { threads, chunkTokens, kvBytesLimit } = this.#settings;
    this.#shape = shape;
    this.#news = {
      ...{ type: 'ready', pid: process.pid },
      ...{ digest, dtype, threads, chunkTokens, kvBytesLimit },
    };
    this.#connections.sendToGreeted(this.#news);
  }

  /** Also of a probe: what concerns the worker as a whole. Peers are not told; their engine gives them up. */
  onFailed(failure: Extract<FromWorker, { type: 'failed' }>): void {
    this.#news ??= failure;
    this.#connections.sendToEngines(failure);
  }
}
