/**
 * The keys and values of one request: a CacheLayer for every layer, all in one buffer of the request's size, taken when the
 * first rows come and never grown. A layer with a window begins with the first row that its slice sees, and in a cache of
 * windows goes on with no more than a window's rows; what a later prompt could go on from is kept apart (RowsApart). Owned by
 * the compute thread; kernels read it in place.
 */
import { KvrError } from '../../../core/errors.js';
import { firstSeen, hasWindows, kvBytesOf, MASKED_ROWS, windowRows } from '../../../core/kv-rows.js';
import { apartBytes, type KeptApart, runsApart, slides } from '../../../core/kept-rows/resume-points.js';
import type { Slice } from '../../../core/partition.js';
import { type KvDtype, kvRowBytes, layerSpec, layerSpecs, type ModelShape } from '../../../core/shape.js';
import type { CacheOptions, ContinueOptions } from '../../backend/backend.js';
import type { KvCache } from '../../backend/kv-cache.js';
import type { CacheRows } from '../../backend/rows.js';
import { type CacheLayer, doNotFit, type HeadRows, type LayerPlace, type RowsAt } from './cache-layer.js';
import { CpuCacheRows, cpuCacheRows, type KeysAndValues, unpack } from './cpu-cache-rows.js';
import { arrayKind, kvDtypeOf } from './element-arrays.js';
import { KvMemory } from './kv-memory.js';
import { layerArrays, layersBytes } from './layer-arrays.js';
import { LayerRows } from './layer-rows.js';
import { RowsApart, type RowSource } from './rows-apart.js';
import { ScaledLayerRows } from './scaled-layer-rows.js';
import { PIECE_TOKENS } from './sum-pieces.js';

type CpuKvCacheOptions = Omit<CacheOptions, 'layers'> & { readonly memory?: KvMemory };

export class CpuKvCache implements KvCache {
  readonly kvDtype: KvDtype;
  readonly capacity: number;
  readonly bytes: number;
  readonly start: number;
  readonly #shape: ModelShape;
  readonly #memory: KvMemory;
  readonly #keepsWindows: boolean;
  readonly #places: readonly LayerPlace[];
  #apart: KeptApart;
  #apartBytes: number;
  #isClosed = false;
  #buffer: ArrayBuffer | undefined;
  /** None until something is written or read. */
  #layers: readonly CacheLayer[] = [];
  #layersApart: readonly RowsApart[] = [];

  /** @param shape with as many layers as the cache is to have. @param capacity where rows (tokens) of a layer end */
  constructor(
    shape: ModelShape,
    capacity: number,
    kvDtype: KvDtype = 'f32',
    { memory = new KvMemory(), start = 0, keepsWindows = false, apart = [] }: CpuKvCacheOptions = {},
  ) {
    this.kvDtype = kvDtype;
    this.#shape = shape;
    this.capacity = capacity;
    this.start = hasWindows(shape) ? start : 0;
    this.#keepsWindows = keepsWindows;
    this.#memory = memory;
    this.#places = layerSpecs(shape).map((_, layer) => this.#placeOf(layer));
    this.bytes = this.bytesOf(capacity);
    this.#apart = keepsWindows ? apart : [];
    this.#apartBytes = apartBytes(shape, kvDtype, this.#span, this.#apart);
  }

  bytesOf(end: number): number {
    return kvBytesOf(this.#shape, this.kvDtype, { start: this.start, end, keepsAll: !this.#keepsWindows });
  }

  get apart(): KeptApart {
    return this.#apart;
  }

  get apartBytes(): number {
    return this.#apartBytes;
  }

  dropRowsApart(): void {
    for (const rows of this.#layersApart) rows.close();
    this.#apart = [];
    this.#apartBytes = 0;
  }

  holdsFrom(position: number): boolean {
    return this.#places.every((_, layer) => {
      const first = firstSeen(this.#windowOf(layer), position);
      const { end } = this.#rows(layer).span;
      return this.#sources(layer).some((source) => source.from <= first && source.end === end);
    });
  }

  startOver(): void {
    for (const [layer, rows] of this.#layers.entries())
      rows.startOver(firstSeen(this.#windowOf(layer), this.start));
    for (const rows of this.#layersApart) rows.startOver();
  }

  takesRowsLate(layer: number): boolean {
    return this.#keepsWindows && this.#windowOf(layer).windowTokens !== undefined;
  }

  /** Rows of a layer from the beginning of one head's to the next one's. */
  strideRows(layer: number): number {
    return this.#rows(layer).strideRows;
  }

  /**
   * A new cache that begins with rows [0, tokens) of another, as far as layers keep them, copied once; the other stays as it is.
   * What it is to keep apart of them it gets as far as the other has it.
   * @throws INTERNAL where the other can not be continued from there, or they do not fit
   */
  static continued(
    from: CpuKvCache,
    tokens: number,
    capacity: number,
    options: ContinueOptions = {},
  ): CpuKvCache {
    const { kvDtype, start } = from;
    const same = { memory: from.#memory, start, keepsWindows: from.#keepsWindows };
    const cache = new CpuKvCache(from.#shape, capacity, kvDtype, { ...same, ...options });
    if (tokens > capacity || from.continuable(tokens) !== tokens) throw doNotFit(start, tokens, capacity);
    for (let layer = 0; layer < from.#shape.layers; layer++) cache.#continueLayer(from, layer, tokens);
    return cache;
  }

  continuable(tokens: number): number {
    for (let most = tokens; ;) {
      const found = Math.min(...this.#places.map((_, layer) => this.#sourceFor(layer, most)?.tokens ?? 0));
      if (found === most) return most;
      most = found;
    }
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
    const count = (2 * keys.byteLength) / kvRowBytes(this.#shape, this.kvDtype);
    if (kvDtypeOf(keys) !== this.kvDtype || !Number.isInteger(count) || values.length !== keys.length)
      throw doNotFit(start, start + count, this.capacity);
    const rows = { start, keys, values };
    this.#rows(layer).write(rows);
    this.#layersApart[layer]?.note(rows);
  }

  read(layer: number, start: number, end: number): CpuCacheRows {
    const rows = this.#find(layer, start, end);
    if (!rows) throw doNotFit(start, end, this.capacity);
    return new CpuCacheRows(rows, this.#shape);
  }

  /** As CacheLayer.all. */
  layer(layer: number): HeadRows {
    return this.#rows(layer).all;
  }

  /** As CacheLayer.views. */
  rows(layer: number, head: number, from: number, to: number): HeadRows {
    return this.#rows(layer).views(head, from, to);
  }

  /** Rows [from, to) of one KV head and what lies behind them up to a whole piece of PIECE_TOKENS, as views. */
  rowPieces(layer: number, head: number, from: number, to: number): HeadRows {
    const rows = PIECE_TOKENS * Math.ceil((to - from) / PIECE_TOKENS);
    return this.#rows(layer).views(head, from, from + rows);
  }

  /** As CacheLayer.afterZeros. */
  afterZeros(layer: number, head: number, tokens: number): HeadRows {
    return this.#rows(layer).afterZeros(head, tokens);
  }

  close(): void {
    this.#isClosed = true;
    this.#layers = [];
    this.dropRowsApart();
    if (this.#buffer) this.#memory.giveBack(this.#buffer);
    this.#buffer = undefined;
  }

  get #span(): Slice {
    return { start: this.start, end: this.capacity };
  }

  #windowOf(layer: number): { readonly windowTokens?: number | undefined } {
    return layerSpec(this.#shape, layer).attention;
  }

  #placeOf(layer: number): LayerPlace {
    const { kvHeads, headDim } = this.#shape;
    const { capacity, start } = this;
    const attention = this.#windowOf(layer);
    const first = Math.max(0, firstSeen(attention, start) - MASKED_ROWS);
    const place = { kvHeads, headDim, capacity, first, rows: capacity - first };
    if (!this.#keepsWindows || !slides(attention, { start, end: capacity })) return place;
    const { kept, fresh } = windowRows(attention.windowTokens ?? 0);
    return { ...place, rows: kept + fresh, keptRows: kept };
  }

  #sources(layer: number): RowSource[] {
    const rows = this.#rows(layer);
    const own: RowSource = {
      ...rows.span,
      read: (start, end) => rows.read(start, end),
      copyInto: (target, start, end) => target.copyFrom(rows, start, end),
    };
    return [own, ...(this.#layersApart[layer]?.sources ?? [])];
  }

  /**
   * What has the rows that the row at position `tokens` sees, or at the next position before that it has them for; where
   * several do, the one with the most.
   */
  #sourceFor(layer: number, tokens: number) {
    const attention = this.#windowOf(layer);
    const found = this.#sources(layer).flatMap((source) => {
      const most = Math.min(tokens, source.end);
      return source.from <= firstSeen(attention, most) ? [{ source, tokens: most }] : [];
    });
    return found.sort((a, b) => b.tokens - a.tokens || a.source.from - b.source.from)[0];
  }

  #find(layer: number, start: number, end: number): RowsAt | undefined {
    const rows = this.#rows(layer);
    if (rows.covers(start, end)) return rows.read(start, end);
    const apart = this.#layersApart[layer]?.sources.find((each) => each.from <= start && end <= each.end);
    return apart?.read(start, end);
  }

  #continueLayer(other: CpuKvCache, layer: number, tokens: number): void {
    const source = other.#sourceFor(layer, tokens)?.source;
    if (!source) throw doNotFit(this.start, tokens, this.capacity);
    const rows = this.#rows(layer);
    const { first, keptRows = tokens } = this.#places[layer] as LayerPlace;
    const from = Math.max(first, source.from, tokens - keptRows);
    rows.beginAt(from, tokens);
    source.copyInto(rows, from, tokens);
    const apart = this.#layersApart[layer];
    if (!apart) return;
    apart.close();
    apart.begin(source.from, tokens);
    apart.note(source.read(source.from, tokens));
    apart.takeFrom((start, end) => other.#find(layer, start, end), tokens);
  }

  #rows(layer: number): CacheLayer {
    if (!this.#buffer) this.#take();
    const found = this.#layers[layer];
    if (found) return found;
    throw new KvrError('INTERNAL', `cache has ${this.#layers.length} layers, asked for layer ${layer}`);
  }

  /** @throws WORKER_REFUSED where the system has no room for the cache, INTERNAL */
  #take(): void {
    if (this.#isClosed) throw new KvrError('INTERNAL', 'the cache is closed');
    this.#buffer = this.#takeBuffer(layersBytes(this.#places, this.kvDtype));
    const arrays = layerArrays(this.#buffer, this.#places, this.kvDtype);
    this.#layers = this.#places.map((place, layer) => {
      const from = firstSeen(this.#windowOf(layer), this.start);
      const { scales, ...rows } = arrays[layer] as HeadRows;
      return scales ? new ScaledLayerRows(place, rows, scales, from) : new LayerRows(place, rows, from);
    });
    this.#layersApart = this.#places.map((_, layer) => this.#beginApart(layer));
  }

  #beginApart(layer: number): RowsApart {
    const attention = this.#windowOf(layer);
    const Kind = arrayKind(this.kvDtype);
    const rows = new RowsApart({
      wanted: runsApart(attention, this.#span, this.#apart),
      width: kvRowBytes(this.#shape, this.kvDtype) / 2 / Kind.BYTES_PER_ELEMENT,
      take: (elements) => new Kind(this.#takeBuffer(elements * Kind.BYTES_PER_ELEMENT)),
      giveBack: (buffer) => this.#memory.giveBack(buffer),
    });
    const first = firstSeen(attention, this.start);
    rows.begin(first, first);
    return rows;
  }

  #takeBuffer(bytes: number): ArrayBuffer {
    try {
      return this.#memory.take(bytes);
    } catch (error) {
      const message = `no memory for a KV-cache of ${Math.ceil(bytes / 2 ** 20)} MiB; shorten the prompt or lower the new tokens`;
      throw new KvrError('WORKER_REFUSED', message, {}, error);
    }
  }
}

/** @throws INTERNAL for a cache of another backend */
export function cpuKvCache(cache: KvCache): CpuKvCache {
  if (cache instanceof CpuKvCache) return cache;
  throw new KvrError('INTERNAL', 'a cache of another backend');
}
