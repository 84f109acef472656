/**
 * Keys and values as a cache keeps them: f32 rows as they are, or rounded to f16 by a kernel or to q8, once, before they go
 * into a cache or on their way to another rank. Lives on a compute thread.
 */
import type { KvDtype, ModelShape } from '../../../core/shape.js';
import { roundRows } from './cache-graphs.js';
import { encodeModel } from '../../../model/graph/proto.js';
import { floats, halfResult, openSession, type Session } from '../../sessions/kernels.js';
import type { KeysAndValues } from './cpu-cache-rows.js';
import { quantizeRows } from './q8-rows.js';

type FullRows = { readonly keys: Float32Array; readonly values: Float32Array };

export class KvRounding {
  /** Opened when something first asks for f16. */
  #session: Session | undefined;
  readonly #headDim: number;

  constructor({ headDim }: Pick<ModelShape, 'headDim'>) {
    this.#headDim = headDim;
  }

  /** The same rows in a cache's element type. f32 is not copied. @throws INTERNAL */
  async rows({ keys, values }: FullRows, kvDtype: KvDtype): Promise<KeysAndValues> {
    switch (kvDtype) {
      case 'f32':
        return { keys, values };
      case 'f16':
        return this.#halves({ keys, values });
      case 'q8':
        return { keys: quantizeRows(keys, this.#headDim), values: quantizeRows(values, this.#headDim) };
    }
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #halves({ keys, values }: FullRows): Promise<KeysAndValues> {
    // One thread: the work is a small part of reading the rows once.
    this.#session ??= await openSession(encodeModel(roundRows()), { threads: 1 });
    const rounded = await this.#session.run({
      keys: floats(keys, [keys.length]),
      values: floats(values, [values.length]),
    });
    return { keys: halfResult(rounded, 'halfKeys'), values: halfResult(rounded, 'halfValues') };
  }
}
