/**
 * A backend's model without a device: it records calls, its rows know only where they stand, and its caches hold real bytes.
 * What it chooses next is told by the test. For tests of the loops of a compute thread.
 */
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import { type Dtype, kvBytesPerToken, type KvDtype, kvRowBytes, type ModelShape } from '../../core/shape.js';
import { kvBytesOf } from '../../core/kv-rows.js';
import { apartBytes, type KeptApart } from '../../core/kept-rows/resume-points.js';
import type {
  AllCoreDecode,
  BackendModel,
  CacheOptions,
  RowPositions,
  BlockOptions,
  Cores,
  RowInCache,
  SliceInCache,
} from '../../runtime/backend/backend.js';
import type { KvCache } from '../../runtime/backend/kv-cache.js';
import type { AttendedRows, CacheRows, StateRows } from '../../runtime/backend/rows.js';

export class FakeModel implements BackendModel {
  readonly shape: ModelShape;
  dtype: Dtype = 'f32';
  readonly digest = 'fake';
  readonly weightBytes = 1;
  allCores: AllCoreDecode | undefined;
  /** Calls in order, as "block 1 of [0,4)". */
  readonly calls: string[] = [];
  /** What is not given back: rows, and caches. */
  readonly live = new Set<object>();
  /** Of caches that something was written to. */
  readonly kvMemory = { heldBytes: 0, taken: 0 };
  /** The token that follows the one at a position. */
  choose: (position: number) => number = (position) => position % this.shape.vocabulary;
  /** Is called with every call, which it may make fail. */
  onCall: (call: string) => void | Promise<void> = () => undefined;

  constructor(shape: Partial<ModelShape> = {}) {
    this.shape = { ...TINY_LLAMA, layers: 3, kvHeads: 1, headDim: 2, vocabulary: 10, ...shape };
  }

  async embed(ids: Int32Array, { positions }: RowPositions): Promise<FakeRows> {
    const list =
      typeof positions === 'number' ? Array.from(ids, (_, row) => positions + row) : [...positions];
    await this.#note(`embed ${ids.join(' ')} at ${spanOf(list)}`);
    return new FakeRows(this, list);
  }

  async block(
    layer: number,
    rows: StateRows,
    { attended, keeps, cores }: BlockOptions = {},
  ): Promise<FakeRows> {
    const { positions } = rows as FakeRows;
    if ((attended !== undefined) !== layer > 0) throw new Error(`block ${layer} without its attention`);
    const isLast = keeps === 'last' && layer === this.shape.layers - 1;
    await this.#note(`block ${layer} of ${spanOf(positions)}${cores === 'all' ? ' on all cores' : ''}`);
    return new FakeRows(this, isLast ? positions.slice(-1) : positions, { layer, positions });
  }

  async takeKv(rows: StateRows, kvDtype: KvDtype): Promise<FakeCacheRows> {
    const { made } = rows as FakeRows;
    if (!made) throw new Error('no block has made these rows');
    const bytes = made.positions.map((position) => fakeRow(this.shape, kvDtype, made.layer, position));
    return new FakeCacheRows(this, kvDtype, bytes);
  }

  attendSlice(rows: StateRows, at: SliceInCache): Promise<FakeAttended> {
    return this.#attend('slice', rows, at.layer);
  }

  attendDense(rows: StateRows, at: SliceInCache, contextTokens: number): Promise<FakeAttended> {
    return this.#attend(`dense over ${contextTokens}`, rows, at.layer);
  }

  attendRow(rows: StateRows, at: Omit<SliceInCache, 'start'>, tokens: number): Promise<FakeAttended> {
    return this.#attend(`row over ${tokens}`, rows, at.layer);
  }

  async attendEach(rows: StateRows, layer: number, sequences: readonly RowInCache[]): Promise<FakeAttended> {
    for (const { cache, position } of sequences) {
      const row = new FakeCacheRows(this, cache.kvDtype, [
        fakeRow(this.shape, cache.kvDtype, layer, position),
      ]);
      await cache.write(layer, position, row);
      row.release();
    }
    return this.#attend('each', rows, layer);
  }

  /** Rows of which each number is the position. */
  async normed(rows: StateRows, attended: AttendedRows): Promise<Float32Array> {
    const { positions } = rows as FakeRows;
    if (attended.count !== rows.count) throw new Error(`attention of ${attended.count} rows`);
    await this.#note(`normed of ${spanOf(positions)}`);
    const { hidden } = this.shape;
    return Float32Array.from(
      { length: rows.count * hidden },
      (_, at) => positions[Math.floor(at / hidden)] ?? 0,
    );
  }

  async logits(rows: StateRows, attended: AttendedRows, cores?: Cores): Promise<Float32Array> {
    const { positions } = rows as FakeRows;
    if (attended.count !== rows.count) throw new Error(`attention of ${attended.count} rows`);
    await this.#note(`logits of ${spanOf(positions)}${cores === 'all' ? ' on all cores' : ''}`);
    const { vocabulary } = this.shape;
    const logits = new Float32Array(rows.count * vocabulary);
    positions.forEach((position, row) => (logits[row * vocabulary + this.choose(position)] = 1));
    return logits;
  }

  async join(whole: StateRows, parts: readonly StateRows[]): Promise<FakeRows> {
    const positions = parts.flatMap((part) => (part as FakeRows).positions);
    await this.#note(`join ${spanOf(positions)}`);
    if (positions.length !== whole.count) throw new Error('parts are not the whole');
    return new FakeRows(this, positions);
  }

  async createCache(
    capacity: number,
    kvDtype: KvDtype,
    { layers = this.shape.layers, apart = [], keepsWindows = false }: CacheOptions = {},
  ): Promise<FakeCache> {
    const cache = new FakeCache(this, capacity, kvDtype, layers, keepsWindows);
    cache.apart = apart;
    return cache;
  }

  async continueCache(from: KvCache, tokens: number, capacity: number): Promise<FakeCache> {
    const cache = new FakeCache(this, capacity, from.kvDtype);
    for (let layer = 0; layer < this.shape.layers; layer++) {
      const rows = from.read(layer, 0, tokens);
      await cache.write(layer, 0, rows);
      rows.release();
    }
    return cache;
  }

  async madeUpRows(count: number) {
    const positions = Array.from({ length: count }, (_, row) => row);
    const made = { layer: 0, positions };
    return { states: new FakeRows(this, positions, made), attended: new FakeAttended(this, count) };
  }

  async close(): Promise<void> {
    await this.#note('close');
  }

  async #attend(kind: string, rows: StateRows, layer: number): Promise<FakeAttended> {
    await this.#note(`${kind} ${layer} of ${spanOf((rows as FakeRows).positions)}`);
    return new FakeAttended(this, rows.count);
  }

  async #note(call: string): Promise<void> {
    this.calls.push(call);
    await this.onCall(call);
  }
}

/** Rows that know their positions, and the block that made them. */
export class FakeRows implements StateRows {
  readonly kind = 'states';
  readonly positions: readonly number[];
  readonly made: { readonly layer: number; readonly positions: readonly number[] } | undefined;
  readonly #model: FakeModel;

  constructor(model: FakeModel, positions: readonly number[], made?: FakeRows['made'], isPart = false) {
    this.#model = model;
    this.positions = positions;
    this.made = made;
    if (!isPart) model.live.add(this);
  }

  get count(): number {
    return this.positions.length;
  }

  part(from: number, to: number): FakeRows {
    if (from === 0 && to === this.count) return this;
    return new FakeRows(this.#model, this.positions.slice(from, to), undefined, true);
  }

  release(): void {
    this.#model.live.delete(this);
  }
}

export class FakeAttended implements AttendedRows {
  readonly kind = 'attended';
  readonly count: number;
  readonly #model: FakeModel;

  constructor(model: FakeModel, count: number, isPart = false) {
    this.#model = model;
    this.count = count;
    if (!isPart) model.live.add(this);
  }

  part(from: number, to: number): FakeAttended {
    return new FakeAttended(this.#model, to - from, true);
  }

  release(): void {
    this.#model.live.delete(this);
  }
}

/** Rows of bytes, keys before values in each. */
export class FakeCacheRows implements CacheRows {
  readonly kind = 'cache';
  readonly kvDtype: KvDtype;
  readonly rows: readonly Uint8Array[];
  readonly #model: FakeModel;

  constructor(model: FakeModel, kvDtype: KvDtype, rows: readonly Uint8Array[]) {
    this.#model = model;
    this.kvDtype = kvDtype;
    this.rows = rows;
    model.live.add(this);
  }

  get count(): number {
    return this.rows.length;
  }

  get rowBytes(): number {
    return kvRowBytes(this.#model.shape, this.kvDtype);
  }

  async pack(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const half = this.rowBytes / 2;
    const rows = this.rows.slice(from, to);
    const halves = [...rows.map((row) => row.subarray(0, half)), ...rows.map((row) => row.subarray(half))];
    const packed = new Uint8Array(rows.length * this.rowBytes);
    halves.forEach((bytes, at) => packed.set(bytes, at * half));
    return packed;
  }

  release(): void {
    this.#model.live.delete(this);
  }
}

export class FakeCache implements KvCache {
  readonly start = 0;
  readonly kvDtype: KvDtype;
  readonly capacity: number;
  readonly bytes: number;
  readonly rowBytes: number;
  isClosed = false;
  apart: KeptApart = [];
  /** Layers that take rows late, as attention puts them in: here nobody does. */
  readonly late = new Set<number>();
  /** More can not be continued. */
  mostContinuable = Infinity;
  #isTaken = false;
  readonly #model: FakeModel;
  readonly #layers: readonly Uint8Array[][];

  constructor(
    model: FakeModel,
    capacity: number,
    kvDtype: KvDtype,
    layers = model.shape.layers,
    keepsWindows = false,
  ) {
    this.#model = model;
    this.capacity = capacity;
    this.kvDtype = kvDtype;
    this.rowBytes = kvRowBytes(model.shape, kvDtype);
    this.bytes = kvBytesOf(model.shape, kvDtype, { start: 0, end: capacity, keepsAll: !keepsWindows });
    this.#layers = Array.from({ length: layers }, () => []);
    model.live.add(this);
  }

  get apartBytes(): number {
    return apartBytes(this.#model.shape, this.kvDtype, { start: 0, end: this.capacity }, this.apart);
  }

  dropRowsApart(): void {
    this.apart = [];
  }

  holdsFrom(): boolean {
    return true;
  }

  startOver(): void {
    for (const rows of this.#layers) rows.length = 0;
  }

  bytesOf(end: number): number {
    return end * kvBytesPerToken(this.#model.shape, this.kvDtype);
  }

  continuable(tokens: number): number {
    return Math.min(tokens, this.mostContinuable);
  }

  takesRowsLate(layer: number): boolean {
    return this.late.has(layer);
  }

  async write(layer: number, start: number, rows: CacheRows): Promise<void> {
    (rows as FakeCacheRows).rows.forEach((row, at) => this.#set(layer, start + at, row));
  }

  async writePacked(layer: number, start: number, payload: Uint8Array): Promise<void> {
    const count = payload.byteLength / this.rowBytes;
    const half = this.rowBytes / 2;
    for (let row = 0; row < count; row++) {
      const keys = payload.slice(row * half, (row + 1) * half);
      const values = payload.slice((count + row) * half, (count + row + 1) * half);
      this.#set(layer, start + row, Uint8Array.of(...keys, ...values));
    }
  }

  read(layer: number, start: number, end: number): FakeCacheRows {
    const rows = this.#rowsOf(layer);
    const zeros = new Uint8Array(this.rowBytes);
    const found = Array.from({ length: end - start }, (_, row) => rows[start + row] ?? zeros);
    return new FakeCacheRows(this.#model, this.kvDtype, found);
  }

  /** Positions of a layer that something was written to. */
  written(layer: number): number[] {
    return Object.keys(this.#rowsOf(layer)).map(Number);
  }

  close(): void {
    if (this.#isTaken && !this.isClosed) this.#model.kvMemory.heldBytes -= this.bytes;
    this.isClosed = true;
    this.#model.live.delete(this);
  }

  #set(layer: number, position: number, row: Uint8Array): void {
    if (position < 0 || position >= this.capacity) throw new Error(`row ${position} does not fit`);
    if (!this.#isTaken) this.#take();
    this.#rowsOf(layer)[position] = row;
  }

  #take(): void {
    this.#isTaken = true;
    this.#model.kvMemory.taken++;
    this.#model.kvMemory.heldBytes += this.bytes;
  }

  #rowsOf(layer: number): Uint8Array[] {
    if (this.isClosed) throw new Error('the cache is closed');
    const rows = this.#layers[layer];
    if (!rows) throw new Error(`there is no layer ${layer}`);
    return rows;
  }
}

/** Keys and values that tell their layer and position. */
export function fakeRow(shape: ModelShape, kvDtype: KvDtype, layer: number, position: number): Uint8Array {
  return new Uint8Array(kvRowBytes(shape, kvDtype)).fill(16 * layer + (position % 16) + 1);
}

/** "[3,7)", or "3 9" where they do not follow each other. */
function spanOf(positions: readonly number[]): string {
  const first = positions[0] ?? 0;
  const isRun = positions.every((position, row) => position === first + row);
  return isRun ? `[${first},${first + positions.length})` : positions.join(' ');
}
