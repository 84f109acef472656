/**
 * The same graphs once more, with the threads of all cores, for decode steps while the other cores have nothing to do. Its
 * weights are mapped a second time, from the same pages.
 */
import type { CompiledManifest } from '../../model/compiled.js';
import type { AllCoreDecode } from '../backend/backend.js';
import type { Session } from '../sessions/kernels.js';
import { ModelAttention } from './attention/model-attention.js';
import { isSteady } from './attention/row.js';
import { type GraphName, ModelGraphs } from './model-graphs.js';

export class AllCoreGraphs implements AllCoreDecode {
  readonly #graphs: ModelGraphs;
  readonly #attention: ModelAttention;
  readonly #isSteady: boolean;

  /** Opens nothing yet. */
  constructor(folder: string, manifest: CompiledManifest, threads: number) {
    this.#graphs = new ModelGraphs(folder, manifest, threads);
    this.#attention = new ModelAttention(manifest.shape, threads, manifest.sinks);
    this.#isSteady = isSteady(manifest.shape);
  }

  get isOpen(): boolean {
    return this.#graphs.isComplete;
  }

  /** A block of TinyLlama's shape takes about 25 ms (measured). */
  openNext(): Promise<void> {
    return this.#graphs.openNext();
  }

  /** @returns undefined as long as it is not open */
  find(name: GraphName): Session | undefined {
    return this.#graphs.find(name);
  }

  /** For one row at a time; undefined where it would give other numbers than with fewer threads. */
  get rowAttention(): ModelAttention | undefined {
    return this.#isSteady ? this.#attention : undefined;
  }

  async close(): Promise<void> {
    await this.#graphs.close();
    await this.#attention.close();
  }
}
