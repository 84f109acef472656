/**
 * The keys and values of one layer in a cache, head-major: [kvHeads, 1+rows, D], twice; before every head's rows lies a row of
 * zeros, which merged attention takes as one row more. Where a layer has a window, older rows go as new ones come: what is
 * kept is moved to the front. Rows then begin at another position of the context, and kernels that ask by position see no
 * difference. Knows nothing of other layers, nor of who owns the memory.
 */
import { KvrError } from '../../../core/errors.js';
import type { Elements } from '../../sessions/kernels.js';
import { type CacheLayer, doNotFit, type LayerPlace, type RowsAt } from './cache-layer.js';
import type { KeysAndValues } from './cpu-cache-rows.js';
import { arrayLike } from './element-arrays.js';

export class LayerRows implements CacheLayer {
  readonly #place: LayerPlace;
  readonly #arrays: KeysAndValues;
  #first: number;
  /** Rows of the context that are here. */
  #from: number;
  #end: number;

  /** @param arrays zeros, as layer-arrays.ts lays them out. @param from the first row that is to come */
  constructor(place: LayerPlace, arrays: KeysAndValues, from: number) {
    this.#place = place;
    this.#arrays = arrays;
    this.#first = place.first;
    this.#from = from;
    this.#end = from;
  }

  get span(): CacheLayer['span'] {
    return { from: Math.max(this.#from, this.#first), end: this.#end };
  }

  beginAt(from: number, end: number): void {
    const { rows, keptRows = 0 } = this.#place;
    if (end > this.#first + rows) this.#first = end - keptRows;
    this.#from = from;
    this.#end = from;
  }

  copyFrom(other: CacheLayer, from: number, end: number): void {
    if (end > this.#first + this.#place.rows) throw doNotFit(from, end, this.#place.capacity);
    for (let head = 0; head < this.#place.kvHeads; head++) {
      const [source, target] = [other.views(head, from, end), this.views(head, from, end)];
      target.keys.set(source.keys);
      target.values.set(source.values);
    }
    this.#end = Math.max(this.#end, end);
  }

  startOver(from: number): void {
    this.#first = this.#place.first;
    this.#from = from;
    this.#end = from;
  }

  write({ start, keys, values }: RowsAt): void {
    const { kvHeads, headDim, rows, capacity, keptRows = 0 } = this.#place;
    const width = kvHeads * headDim;
    const end = start + keys.length / width;
    if (start < this.#first || end > capacity) throw doNotFit(start, end, capacity);
    const step = rows - keptRows;
    for (let from = start; from < end; from += step) {
      const to = Math.min(end, from + step);
      const part = (all: Elements): Elements => all.subarray((from - start) * width, (to - start) * width);
      this.#makeRoom(from, to);
      this.#scatter(part(keys), this.#arrays.keys, from);
      this.#scatter(part(values), this.#arrays.values, from);
      this.#end = Math.max(this.#end, to);
    }
  }

  covers(start: number, end: number): boolean {
    const { capacity, rows } = this.#place;
    return start >= this.#first && end <= Math.min(capacity, this.#first + rows);
  }

  read(start: number, end: number): RowsAt {
    return {
      start,
      keys: this.#gather(this.#arrays.keys, start, end),
      values: this.#gather(this.#arrays.values, start, end),
    };
  }

  get strideRows(): number {
    return this.#place.rows + 1;
  }

  get all(): KeysAndValues {
    const { kvHeads, headDim } = this.#place;
    const end = (1 + kvHeads * this.strideRows) * headDim;
    return {
      keys: this.#arrays.keys.subarray(headDim, end),
      values: this.#arrays.values.subarray(headDim, end),
    };
  }

  views(head: number, from: number, to: number): KeysAndValues {
    return this.#view(this.#rowOf(head, from), to - from);
  }

  afterZeros(head: number, tokens: number): KeysAndValues {
    return this.#view(this.#rowOf(head, 0) - 1, 1 + tokens);
  }

  /** Where a row lies, counted from the first head's row of zeros. */
  #rowOf(head: number, row: number): number {
    if (row < this.#first)
      throw new KvrError('INTERNAL', `row ${row} of a layer is read, the cache begins at ${this.#first}`);
    return head * this.strideRows + 1 + row - this.#first;
  }

  #view(startRow: number, rows: number): KeysAndValues {
    const { headDim } = this.#place;
    const [start, end] = [startRow * headDim, (startRow + rows) * headDim];
    const { keys, values } = this.#arrays;
    return { keys: keys.subarray(start, end), values: values.subarray(start, end) };
  }

  /** Moves what is kept of the rows before `from` to the front, where there is no room up to `to`. */
  #makeRoom(from: number, to: number): void {
    const { rows, kvHeads, headDim, keptRows = 0 } = this.#place;
    if (to <= this.#first + rows) return;
    const first = from - keptRows;
    for (let head = 0; head < kvHeads; head++) {
      const start = (head * this.strideRows + 1) * headDim;
      const moved = start + Math.min(rows, first - this.#first) * headDim;
      const end = start + rows * headDim;
      this.#arrays.keys.copyWithin(start, moved, end);
      this.#arrays.values.copyWithin(start, moved, end);
    }
    this.#first = first;
  }

  #gather(source: Elements, start: number, end: number): Elements {
    const { kvHeads, headDim } = this.#place;
    const length = (end - start) * kvHeads * headDim;
    const rows = arrayLike(source, length);
    for (let row = start, to = 0; row < end; row++) {
      for (let head = 0; head < kvHeads; head++, to += headDim) {
        const from = this.#rowOf(head, row) * headDim;
        rows.set(source.subarray(from, from + headDim), to);
      }
    }
    return rows;
  }

  /** Head by head, so that what is written lies side by side. */
  #scatter(source: Elements, target: Elements, start: number): void {
    const { kvHeads, headDim } = this.#place;
    const width = kvHeads * headDim;
    if (kvHeads === 1) return void target.set(source, this.#rowOf(0, start) * headDim);
    for (let head = 0; head < kvHeads; head++) {
      let to = this.#rowOf(head, start) * headDim;
      for (let from = head * headDim; from < source.length; from += width, to += headDim)
        target.set(source.subarray(from, from + headDim), to);
    }
  }
}
