/**
 * What a compute thread needs of a device that runs models. The rank loop and the decode batch string these calls together
 * and know nothing of tensors; a backend knows nothing of requests, ranks or links. Every backend passes
 * backend-conformance.test-support.ts.
 *
 * All calls of a model come from one thread, one after the other. A call may return before its device is done: its errors
 * and its time then show where results are next read.
 */
import type { KeptApart } from '../../core/kept-rows/resume-points.js';
import type { Dtype, KvDtype, ModelShape } from '../../core/shape.js';
import type { KvCache, KvMemoryCount } from './kv-cache.js';
import type { AttendedRows, CacheRows, StateRows } from './rows.js';

/** A kind of device. */
export interface Backend {
  /**
   * Opens a folder that model/compile.ts has written, ready to run.
   * @throws BAD_CHECKPOINT where it holds no compiled model, INTERNAL where the device refuses it
   */
  open(compiledFolder: string, options: OpenOptions): Promise<BackendModel>;
}

export type OpenOptions = {
  /** Threads of the CPU that kernels may use, the calling one included. */
  readonly threads: number;
  /** As many while the worker may use all cores to decode; `threads` unless given. */
  readonly allCoreThreads?: number;
};

/** Which threads a decode step uses. The numbers are the same to the last digit; without AllCoreDecode it makes no difference. */
export type Cores = 'own' | 'all';

/** Where rows stand in their sequences. */
export type RowPositions = {
  /** The first of consecutive positions, or each row's own. */
  readonly positions: number | readonly number[];
  /** Of the prompt that the rows belong to, or of each row's own: some rotary positions depend on it. */
  readonly promptTokens: number | readonly number[];
};

/** Where a slice's attention reads: rows of `layer` of a cache, which may have fewer layers than the model. */
export type SliceInCache = {
  readonly cache: KvCache;
  readonly layer: number;
  /** The position of the first of the rows that attend. */
  readonly start: number;
};

/** The sequence that a row of a decode step belongs to, and the row's position in it. */
export type RowInCache = { readonly cache: KvCache; readonly position: number };

export type BlockOptions = {
  /** The attention of the layer before, for the same rows; on all layers but the first. */
  readonly attended?: AttendedRows;
  /**
   * 'last': of the model's last layer, hidden states and queries are kept for the last row only, and keys and values of
   * all; on other layers it changes nothing. 'all' unless given.
   */
  readonly keeps?: 'all' | 'last';
  readonly cores?: Cores;
};

export type CacheOptions = {
  /** As many as the model has unless given. */
  readonly layers?: number;
  /** Where the slice begins that reads it; 0 unless given. */
  readonly start?: number;
  /** Layers with a window keep no more than a window's rows: see KvCache.takesRowsLate. Not for attendDense. False unless given. */
  readonly keepsWindows?: boolean;
  /** What such a cache keeps apart of the rows that it lets go: what the next row sees at some positions, or all; nothing unless given. */
  readonly apart?: KeptApart;
};

export type ContinueOptions = Pick<CacheOptions, 'keepsWindows' | 'apart'>;

/** Rows to measure with. */
export type MadeUpRows = { readonly states: StateRows; readonly attended: AttendedRows };

/** A model that is open on a device, without the state of any request. */
export interface BackendModel {
  readonly shape: ModelShape;
  /** Element type of the weights. */
  readonly dtype: Dtype;
  /** Names the checkpoint it was compiled from. */
  readonly digest: string;
  /** Bytes of the weights, as the compiled model counts them. */
  readonly weightBytes: number;
  /** Decoding with more threads, where this backend has that and was opened for it. */
  readonly allCores: AllCoreDecode | undefined;
  /** What its caches hold now, and how often memory was taken for one. */
  readonly kvMemory: KvMemoryCount;

  /**
   * Rows of the embedding for tokens where they stand.
   * @throws INTERNAL for an id without a row
   */
  embed(ids: Int32Array, at: RowPositions): Promise<StateRows>;

  /** The weights between the attention of layer - 1 and that of `layer` → new rows, at the same positions. @throws INTERNAL */
  block(layer: number, rows: StateRows, options?: BlockOptions): Promise<StateRows>;

  /**
   * The rows' keys and values for caches of an element type; f16 rounds to nearest, and to the largest number it holds what is
   * larger; q8 to the nearest of 255 numbers, evenly apart up to the largest of the row's head. Call it once for each block: it may take them out of the rows, where attention finds them in the cache. Their
   * memory may be that of the rows they come from, so these are released after them.
   */
  takeKv(rows: StateRows, kvDtype: KvDtype): Promise<CacheRows>;

  /**
   * Causal attention of rows after the cached rows [0, start). Their own keys and values are in the cache too, or are put there
   * now where the cache takes them late.
   */
  attendSlice(rows: StateRows, at: SliceInCache): Promise<AttendedRows>;

  /** The same for a baseline: each row is multiplied with the whole context [0, contextTokens), and masked afterwards. */
  attendDense(rows: StateRows, at: SliceInCache, contextTokens: number): Promise<AttendedRows>;

  /** Attention of the only row of `rows`, at position tokens - 1, over the cached rows [0, tokens), its own the last of them. */
  attendRow(rows: StateRows, at: Omit<SliceInCache, 'start'>, tokens: number): Promise<AttendedRows>;

  /**
   * A layer of a decode step: row r's keys and values are written to its cache at its position, and it attends to all rows up to
   * its own there. Caches may differ in element type.
   */
  attendEach(
    rows: StateRows,
    layer: number,
    sequences: readonly RowInCache[],
    cores?: Cores,
  ): Promise<AttendedRows>;

  /** What follows the last attention, up to and with the final norm → [count, hidden], the caller's. */
  normed(rows: StateRows, attended: AttendedRows): Promise<Float32Array>;

  /** What follows the last attention → [count, vocabulary], the caller's. */
  logits(rows: StateRows, attended: AttendedRows, cores?: Cores): Promise<Float32Array>;

  /**
   * What a block made of the parts of `whole`, in order, as new rows at the positions of `whole`. The parts stay the caller's.
   * @param parts at least two; they have as many rows together as `whole`
   */
  join(whole: StateRows, parts: readonly StateRows[]): Promise<StateRows>;

  /**
   * An empty cache, which takes memory when something is first written. @param capacity rows a layer
   */
  createCache(capacity: number, kvDtype: KvDtype, options?: CacheOptions): Promise<KvCache>;

  /**
   * A new cache of the same element type, layers and start that begins with rows [0, tokens) of another, copied; the other stays
   * as it is. Of what it is to keep apart it has what the other has.
   * @param tokens for which from.continuable(tokens) is tokens
   * @param options keepsWindows: as the other does unless given
   * @throws INTERNAL where they do not fit, WORKER_REFUSED where the device has no memory for it
   */
  continueCache(from: KvCache, tokens: number, capacity: number, options?: ContinueOptions): Promise<KvCache>;

  /** Rows as the block of a layer would make them, of ordinary numbers that mean nothing, at positions [0, count). */
  madeUpRows(count: number, layer: number): Promise<MadeUpRows>;

  /** Gives back all that the model holds. Rows are released and caches closed before. */
  close(): Promise<void>;
}

/** A second, wider set of kernels for decode steps, which is opened bit by bit while there is nothing better to do. */
export interface AllCoreDecode {
  /** True where nothing is left to open; before that, Cores 'all' uses what is open. */
  readonly isOpen: boolean;
  /** Opens one more graph; about as long as a few tokens take. @throws INTERNAL */
  openNext(): Promise<void>;
}
