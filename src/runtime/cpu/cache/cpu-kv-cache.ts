/**
 * The keys and values of one request, head-major: for every layer [kvHeads, 1+capacity, D] f32 or f16, twice; before every
 * head's rows lies a row of zeros, which merged attention takes as one row more. All in one buffer of the request's size, taken
 * when the first rows come and never grown. Owned by the compute thread; kernels read it in place.
 */
import { KvrError } from '../../../core/errors.js';
import { type KvDtype, kvBytesPerToken, kvRowBytes, type ModelShape } from '../../../core/shape.js';
import type { KvCache } from '../../backend/kv-cache.js';
import type { CacheRows } from '../../backend/rows.js';
import type { Elements } from '../../sessions/kernels.js';
import { CpuCacheRows, cpuCacheRows, type KeysAndValues, unpack } from './cpu-cache-rows.js';
import { KvMemory } from './kv-memory.js';
import { PIECE_TOKENS } from './sum-pieces.js';

export class CpuKvCache implements KvCache {
  readonly kvDtype: KvDtype;
  readonly capacity: number;
  readonly bytes: number;
  /** Rows from the beginning of one head's to the next one's. */
  readonly strideRows: number;
  readonly #shape: ModelShape;
  readonly #memory: KvMemory;
  #isClosed = false;
  /** Keys and values of layer 0, those of layer 1 and so on; undefined until something is written or read. */
  #buffer: ArrayBuffer | undefined;
  #layers: readonly KeysAndValues[] = [];

  /** @param shape with as many layers as the cache is to have. @param capacity rows (tokens) a layer. @param memory to take from */
  constructor(shape: ModelShape, capacity: number, kvDtype: KvDtype = 'f32', memory = new KvMemory()) {
    this.kvDtype = kvDtype;
    this.#shape = shape;
    this.capacity = capacity;
    this.bytes = capacity * kvBytesPerToken(shape, kvDtype);
    this.strideRows = capacity + 1;
    this.#memory = memory;
  }

  /**
   * A new cache that begins with rows [0, tokens) of another, copied once; the other stays as it is.
   * @throws INTERNAL where they do not fit
   */
  static continued(from: CpuKvCache, tokens: number, capacity: number): CpuKvCache {
    const shape = from.#shape;
    const cache = new CpuKvCache(shape, capacity, from.kvDtype, from.#memory);
    if (tokens > from.capacity || tokens > capacity) throw doNotFit(0, tokens, capacity);
    for (let layer = 0; layer < shape.layers; layer++) {
      for (let head = 0; head < shape.kvHeads; head++) {
        const source = from.head(layer, head, tokens);
        const target = cache.head(layer, head, tokens);
        target.keys.set(source.keys);
        target.values.set(source.values);
      }
    }
    return cache;
  }

  async write(layer: number, start: number, rows: CacheRows): Promise<void> {
    this.writeArrays(layer, start, cpuCacheRows(rows));
  }

  async writePacked(layer: number, start: number, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    if (payload.byteLength % kvRowBytes(this.#shape, this.kvDtype) !== 0)
      throw new KvrError('INTERNAL', `${payload.byteLength} bytes are no whole rows of a cache`);
    this.writeArrays(layer, start, unpack(payload, this.kvDtype));
  }

  /** Copies rows of the cache's element type in at row `start`. @throws INTERNAL where they do not fit */
  writeArrays(layer: number, start: number, { keys, values }: KeysAndValues): void {
    const width = this.#shape.kvHeads * this.#shape.headDim;
    const rows = keys.length / width;
    if (
      keys instanceof Uint16Array !== (this.kvDtype === 'f16') ||
      !Number.isInteger(rows) ||
      values.length !== keys.length ||
      start < 0 ||
      start + rows > this.capacity
    ) {
      throw doNotFit(start, start + rows, this.capacity);
    }
    const target = this.layer(layer);
    this.#scatter(keys, target.keys, start, rows);
    this.#scatter(values, target.values, start, rows);
  }

  read(layer: number, start: number, end: number): CpuCacheRows {
    if (start < 0 || end > this.capacity) throw doNotFit(start, end, this.capacity);
    const { keys, values } = this.layer(layer);
    const rows = { keys: this.#gather(keys, start, end), values: this.#gather(values, start, end) };
    return new CpuCacheRows(rows, this.#shape.kvHeads * this.#shape.headDim);
  }

  /** Rows of a layer, [kvHeads, strideRows, D], as views; of every head the first `capacity` rows count. */
  layer(layer: number): KeysAndValues {
    const { kvHeads, headDim } = this.#shape;
    const end = (1 + kvHeads * this.strideRows) * headDim;
    const { keys, values } = this.#arrays(layer);
    return { keys: keys.subarray(headDim, end), values: values.subarray(headDim, end) };
  }

  /** Rows [0, tokens) of one KV head, [tokens, D], as views. */
  head(layer: number, head: number, tokens: number): KeysAndValues {
    return this.#view(layer, head * this.strideRows + 1, tokens);
  }

  /** Rows [from, to) of one KV head, [to - from, D], as views. */
  rows(layer: number, head: number, from: number, to: number): KeysAndValues {
    return this.#view(layer, head * this.strideRows + 1 + from, to - from);
  }

  /** Values [from, to) of one KV head and what lies behind them up to a whole piece, [pieces, PIECE_TOKENS, D], as a view. */
  valuePieces(layer: number, head: number, from: number, to: number): Elements {
    const rows = PIECE_TOKENS * Math.ceil((to - from) / PIECE_TOKENS);
    return this.#view(layer, head * this.strideRows + 1 + from, rows).values;
  }

  /** The row of zeros and rows [0, tokens) of one KV head, [1+tokens, D], as views. */
  afterZeros(layer: number, head: number, tokens: number): KeysAndValues {
    return this.#view(layer, head * this.strideRows, 1 + tokens);
  }

  close(): void {
    this.#isClosed = true;
    this.#layers = [];
    if (this.#buffer) this.#memory.giveBack(this.#buffer);
    this.#buffer = undefined;
  }

  #view(layer: number, startRow: number, rows: number): KeysAndValues {
    const { headDim } = this.#shape;
    const [start, end] = [startRow * headDim, (startRow + rows) * headDim];
    const { keys, values } = this.#arrays(layer);
    return { keys: keys.subarray(start, end), values: values.subarray(start, end) };
  }

  /** A layer's arrays, whole. @throws WORKER_REFUSED where the system has no room for the cache, INTERNAL */
  #arrays(layer: number): KeysAndValues {
    if (!this.#buffer) this.#take();
    const found = this.#layers[layer];
    if (found) return found;
    throw new KvrError('INTERNAL', `cache has ${this.#layers.length} layers, asked for layer ${layer}`);
  }

  #take(): void {
    if (this.#isClosed) throw new KvrError('INTERNAL', 'the cache is closed');
    const { kvHeads, headDim, layers } = this.#shape;
    // Rows at the end, so that [kvHeads, strideRows, D] also fits from the first row that is not zeros, and pieces that
    // begin at any row of the cache do.
    const length = (kvHeads * this.strideRows + PIECE_TOKENS) * headDim;
    const Kind = this.kvDtype === 'f16' ? Uint16Array : Float32Array;
    const buffer = this.#takeBuffer(2 * layers * length * Kind.BYTES_PER_ELEMENT);
    const array = (at: number): Elements => new Kind(buffer, at * length * Kind.BYTES_PER_ELEMENT, length);
    this.#layers = Array.from({ length: layers }, (_, layer) => ({
      keys: array(2 * layer),
      values: array(2 * layer + 1),
    }));
    this.#buffer = buffer;
  }

  #takeBuffer(bytes: number): ArrayBuffer {
    try {
      return this.#memory.take(bytes);
    } catch (error) {
      const message = `no memory for a KV-cache of ${Math.ceil(bytes / 2 ** 20)} MiB; shorten the prompt or lower the new tokens`;
      throw new KvrError('WORKER_REFUSED', message, {}, error);
    }
  }

  #gather(source: Elements, start: number, end: number): Elements {
    const { kvHeads, headDim } = this.#shape;
    const rows = newElements(this.kvDtype, (end - start) * kvHeads * headDim);
    for (let row = start, to = 0; row < end; row++) {
      let from = row * headDim;
      for (let head = 0; head < kvHeads; head++, to += headDim, from += this.strideRows * headDim) {
        rows.set(source.subarray(from, from + headDim), to);
      }
    }
    return rows;
  }

  #scatter(source: Elements, target: Elements, start: number, rows: number): void {
    const { kvHeads, headDim } = this.#shape;
    for (let row = 0, from = 0; row < rows; row++) {
      let to = (start + row) * headDim;
      for (let head = 0; head < kvHeads; head++, from += headDim, to += this.strideRows * headDim) {
        target.set(source.subarray(from, from + headDim), to);
      }
    }
  }
}

/** @throws INTERNAL for a cache of another backend */
export function cpuKvCache(cache: KvCache): CpuKvCache {
  if (cache instanceof CpuKvCache) return cache;
  throw new KvrError('INTERNAL', 'a cache of another backend');
}

function newElements(kvDtype: KvDtype, length: number): Elements {
  return kvDtype === 'f16' ? new Uint16Array(length) : new Float32Array(length);
}

function doNotFit(start: number, end: number, capacity: number): KvrError {
  return new KvrError('INTERNAL', `cache rows [${start}, ${end}) do not fit a capacity of ${capacity}`);
}
