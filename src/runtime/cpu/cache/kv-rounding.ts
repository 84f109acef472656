/**
 * Keys and values as a cache keeps them: f32 rows as they are, or rounded to f16 by a kernel, once, before they go into a
 * cache or on their way to another rank. Lives on a compute thread.
 */
import type { KvDtype } from '../../../core/shape.js';
import { roundRows } from './cache-graphs.js';
import { encodeModel } from '../../../model/graph/proto.js';
import { floats, halfResult, openSession, type Session } from '../../sessions/kernels.js';
import type { KeysAndValues } from './cpu-cache-rows.js';

type FullRows = { readonly keys: Float32Array; readonly values: Float32Array };

export class KvRounding {
  /** Opened when something first asks for f16. */
  #session: Session | undefined;

  /** The same rows in a cache's element type. f32 is not copied. @throws INTERNAL */
  async rows({ keys, values }: FullRows, kvDtype: KvDtype): Promise<KeysAndValues> {
    if (kvDtype === 'f32') return { keys, values };
    // One thread: the work is a small part of reading the rows once.
    this.#session ??= await openSession(encodeModel(roundRows()), { threads: 1 });
    const rounded = await this.#session.run({
      keys: floats(keys, [keys.length]),
      values: floats(values, [values.length]),
    });
    return { keys: halfResult(rounded, 'halfKeys'), values: halfResult(rounded, 'halfValues') };
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}
