/**
 * The keys and values of one request, head-major: for every layer [kvHeads, 1+rows, D] f32 or f16, twice; before every
 * head's rows lies a row of zeros, which merged attention takes as one row more. A layer with a window begins with the first
 * row that its slice sees. All in one buffer of the request's size, taken when the first rows come and never grown. Owned by
 * the compute thread; kernels read it in place.
 */
import { KvrError } from '../../../core/errors.js';
import { firstSeen, kvBytesOf } from '../../../core/kv-rows.js';
import { type KvDtype, kvRowBytes, layerSpecs, type ModelShape } from '../../../core/shape.js';
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
  readonly start: number;
  readonly #shape: ModelShape;
  readonly #memory: KvMemory;
  #isClosed = false;
  /** Keys and values of layer 0, those of layer 1 and so on; undefined until something is written or read. */
  #buffer: ArrayBuffer | undefined;
  #layers: readonly KeysAndValues[] = [];

  /** Of each layer, as it lies in memory. */
  readonly #firstRows: readonly number[];

  /**
   * @param shape with as many layers as the cache is to have. @param capacity where rows (tokens) of a layer end
   * @param memory to take from. @param start where the slice begins that layers with a window are read by
   */
  constructor(
    shape: ModelShape,
    capacity: number,
    kvDtype: KvDtype = 'f32',
    memory: KvMemory = new KvMemory(),
    start = 0,
  ) {
    this.kvDtype = kvDtype;
    this.#shape = shape;
    this.capacity = capacity;
    this.start = hasWindows(shape) ? start : 0;
    this.#firstRows = layerSpecs(shape).map(({ attention }) =>
      Math.max(0, firstSeen(attention, start) - MASKED_ROWS),
    );
    this.bytes = kvBytesOf(shape, kvDtype, { start, end: capacity });
    this.#memory = memory;
  }

  /** Rows of a layer from the beginning of one head's to the next one's. */
  strideRows(layer: number): number {
    return this.capacity - this.#firstRow(layer) + 1;
  }

  /**
   * A new cache that begins with rows [0, tokens) of another, copied once; the other stays as it is.
   * @throws INTERNAL where they do not fit
   */
  static continued(from: CpuKvCache, tokens: number, capacity: number): CpuKvCache {
    const shape = from.#shape;
    const cache = new CpuKvCache(shape, capacity, from.kvDtype, from.#memory, from.start);
    if (tokens < from.start || tokens > from.capacity || tokens > capacity)
      throw doNotFit(from.start, tokens, capacity);
    for (let layer = 0; layer < shape.layers; layer++) {
      const first = from.#firstRow(layer);
      for (let head = 0; head < shape.kvHeads; head++) {
        const source = from.rows(layer, head, first, tokens);
        const target = cache.rows(layer, head, first, tokens);
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
      start < this.#firstRow(layer) ||
      start + rows > this.capacity
    ) {
      throw doNotFit(start, start + rows, this.capacity);
    }
    const { keys: allKeys, values: allValues } = this.layer(layer);
    const place = { row: start - this.#firstRow(layer), rows, strideRows: this.strideRows(layer) };
    this.#scatter(keys, allKeys, place);
    this.#scatter(values, allValues, place);
  }

  read(layer: number, start: number, end: number): CpuCacheRows {
    const first = this.#firstRow(layer);
    if (start < first || end > this.capacity) throw doNotFit(start, end, this.capacity);
    const { keys, values } = this.layer(layer);
    const place = { row: start - first, rows: end - start, strideRows: this.strideRows(layer) };
    const rows = { keys: this.#gather(keys, place), values: this.#gather(values, place) };
    return new CpuCacheRows(rows, this.#shape.kvHeads * this.#shape.headDim);
  }

  /** Rows of a layer from its first on, [kvHeads, strideRows, D], as views; of every head all rows but the last count. */
  layer(layer: number): KeysAndValues {
    const { kvHeads, headDim } = this.#shape;
    const end = (1 + kvHeads * this.strideRows(layer)) * headDim;
    const { keys, values } = this.#arrays(layer);
    return { keys: keys.subarray(headDim, end), values: values.subarray(headDim, end) };
  }

  /** Rows [from, to) of one KV head, [to - from, D], as views. @throws INTERNAL before the layer's first row */
  rows(layer: number, head: number, from: number, to: number): KeysAndValues {
    return this.#view(layer, this.#place(layer, head, from), to - from);
  }

  /** Values [from, to) of one KV head and what lies behind them up to a whole piece, [pieces, PIECE_TOKENS, D], as a view. */
  valuePieces(layer: number, head: number, from: number, to: number): Elements {
    const rows = PIECE_TOKENS * Math.ceil((to - from) / PIECE_TOKENS);
    return this.#view(layer, this.#place(layer, head, from), rows).values;
  }

  /** The row of zeros and rows [0, tokens) of one KV head, [1+tokens, D], as views. @throws INTERNAL where the layer begins later */
  afterZeros(layer: number, head: number, tokens: number): KeysAndValues {
    return this.#view(layer, this.#place(layer, head, 0) - 1, 1 + tokens);
  }

  /** Where a row lies, counted from the layer's row of zeros. */
  #place(layer: number, head: number, row: number): number {
    const first = this.#firstRow(layer);
    if (row < first)
      throw new KvrError('INTERNAL', `row ${row} of layer ${layer} is read, the cache begins at ${first}`);
    return head * this.strideRows(layer) + 1 + row - first;
  }

  #firstRow(layer: number): number {
    return this.#firstRows[layer] ?? 0;
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
    const lengths = Array.from(
      { length: layers },
      (_, layer) => (kvHeads * this.strideRows(layer) + PIECE_TOKENS) * headDim,
    );
    const Kind = this.kvDtype === 'f16' ? Uint16Array : Float32Array;
    const elements = lengths.reduce((sum, length) => sum + 2 * length, 0);
    const buffer = this.#takeBuffer(elements * Kind.BYTES_PER_ELEMENT);
    let at = 0;
    const next = (length: number): Elements => {
      const array = new Kind(buffer, at, length);
      at += array.byteLength;
      return array;
    };
    this.#layers = lengths.map((length) => ({ keys: next(length), values: next(length) }));
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

  #gather(source: Elements, { row: start, rows: count, strideRows }: Place): Elements {
    const { kvHeads, headDim } = this.#shape;
    const rows = newElements(this.kvDtype, count * kvHeads * headDim);
    for (let row = start, to = 0; row < start + count; row++) {
      let from = row * headDim;
      for (let head = 0; head < kvHeads; head++, to += headDim, from += strideRows * headDim) {
        rows.set(source.subarray(from, from + headDim), to);
      }
    }
    return rows;
  }

  #scatter(source: Elements, target: Elements, { row: start, rows, strideRows }: Place): void {
    const { kvHeads, headDim } = this.#shape;
    for (let row = 0, from = 0; row < rows; row++) {
      let to = (start + row) * headDim;
      for (let head = 0; head < kvHeads; head++, from += headDim, to += strideRows * headDim) {
        target.set(source.subarray(from, from + headDim), to);
      }
    }
  }
}

/** Kernels multiply with some rows before the first that is seen, and mask them: those of a tile that began earlier. */
const MASKED_ROWS = PIECE_TOKENS;

/** Rows of a layer as they lie, counted from its first one. */
type Place = { readonly row: number; readonly rows: number; readonly strideRows: number };

function hasWindows({ specs }: ModelShape): boolean {
  return specs.some(({ attention }) => attention.windowTokens !== undefined);
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
