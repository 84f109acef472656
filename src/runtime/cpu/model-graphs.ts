/**
 * The graphs of a compiled model as sessions with one number of kernel threads. A worker holds one set, and where it may
 * use more cores once prompts are done a second, wider one, which is opened graph by graph.
 */
import { join } from 'node:path';
import { type CompiledManifest, FILES } from '../../model/compiled.js';
import { openSession, type Session, type SessionOptions } from '../sessions/kernels.js';

/** A block by its layer, or one of the two graphs behind the last. */
export type GraphName = number | 'tail' | 'head';

export class ModelGraphs {
  readonly #threads: number;
  readonly #folder: string;
  readonly #manifest: CompiledManifest;
  readonly #sessions = new Map<GraphName, Session>();
  readonly #closed: GraphName[];

  /** Opens nothing yet. */
  constructor(folder: string, manifest: CompiledManifest, threads: number) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#threads = threads;
    const layers = Array.from({ length: manifest.shape.layers }, (_, layer) => layer);
    this.#closed = ['tail', 'head', ...layers];
  }

  get isComplete(): boolean {
    return this.#closed.length === 0;
  }

  /** Opens the next graph, in the order they are listed above; nothing where all are open. @throws INTERNAL */
  async openNext(): Promise<void> {
    const name = this.#closed[0];
    if (name === undefined) return;
    this.#sessions.set(name, await openSession(this.#pathOf(name), this.#optionsOf(name)));
    this.#closed.shift();
  }

  /** @returns undefined as long as it is not open */
  find(name: GraphName): Session | undefined {
    return this.#sessions.get(name);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
  }

  #pathOf(name: GraphName): string {
    return join(this.#folder, typeof name === 'number' ? FILES.block(name) : FILES[name]);
  }

  /** The f32 head lies as in the checkpoint; a quantised one has 8 bits, whatever the rest has. */
  #optionsOf(name: GraphName): SessionOptions {
    const isPlain = name === 'head' && this.#manifest.dtype === 'f32';
    return { threads: this.#threads, ...(isPlain ? { keepsPlain: true } : { isPacked: true }) };
  }
}
