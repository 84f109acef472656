/**
 * The keys and values of one request, head-major: for every layer [kvHeads, capacity, D] f32, twice. Allocated once
 * at the request's size and never grown or copied. Owned by the compute thread; kernels read it in place.
 */
import { KvrError } from '../core/errors.js';
import type { ModelShape } from '../core/shape.js';

export class KvCache {
  readonly capacity: number;
  readonly #shape: ModelShape;
  readonly #keys: readonly Float32Array[];
  readonly #values: readonly Float32Array[];

  /** @param capacity rows (tokens) a layer, prompt and answer together. */
  constructor(shape: ModelShape, capacity: number) {
    const floats = shape.kvHeads * capacity * shape.headDim;
    this.#shape = shape;
    this.capacity = capacity;
    this.#keys = Array.from({ length: shape.layers }, () => new Float32Array(floats));
    this.#values = Array.from({ length: shape.layers }, () => new Float32Array(floats));
  }

  /** All rows of a layer, [kvHeads, capacity, D]; the cache keeps the buffers. */
  layer(layer: number): { readonly keys: Float32Array; readonly values: Float32Array } {
    return { keys: at(this.#keys, layer), values: at(this.#values, layer) };
  }

  /** Rows [0, tokens) of one KV head, [tokens, D], as views. */
  head(layer: number, head: number, tokens: number): { keys: Float32Array; values: Float32Array } {
    const { headDim } = this.#shape;
    const start = head * this.capacity * headDim;
    const { keys, values } = this.layer(layer);
    return {
      keys: keys.subarray(start, start + tokens * headDim),
      values: values.subarray(start, start + tokens * headDim),
    };
  }

  /** Copies token-major rows [rows, kvHeads·D] in at row `start`. @throws INTERNAL where they do not fit. */
  write(layer: number, start: number, keys: Float32Array, values: Float32Array): void {
    const width = this.#shape.kvHeads * this.#shape.headDim;
    const rows = keys.length / width;
    if (
      !Number.isInteger(rows) ||
      values.length !== keys.length ||
      start < 0 ||
      start + rows > this.capacity
    ) {
      throw new KvrError(
        'INTERNAL',
        `cache rows [${start}, ${start + rows}) do not fit a capacity of ${this.capacity}`,
      );
    }
    const layerRows = this.layer(layer);
    this.#scatter(keys, layerRows.keys, start, rows);
    this.#scatter(values, layerRows.values, start, rows);
  }

  #scatter(source: Float32Array, target: Float32Array, start: number, rows: number): void {
    const { kvHeads, headDim } = this.#shape;
    for (let row = 0, from = 0; row < rows; row++) {
      let to = (start + row) * headDim;
      for (let head = 0; head < kvHeads; head++, from += headDim, to += this.capacity * headDim) {
        target.set(source.subarray(from, from + headDim), to);
      }
    }
  }
}

function at(layers: readonly Float32Array[], layer: number): Float32Array {
  const found = layers[layer];
  if (!found) throw new KvrError('INTERNAL', `cache has ${layers.length} layers, asked for layer ${layer}`);
  return found;
}
