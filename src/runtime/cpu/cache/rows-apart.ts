/**
 * Rows of one layer that a cache of windows keeps apart, so that a later prompt can go on from them, or they can be stored,
 * though the layer itself has let them go. Copied as they come, and given back together.
 */
import type { Slice } from '../../../core/partition.js';
import type { Elements } from '../../sessions/kernels.js';
import type { CacheLayer, RowsAt } from './cache-layer.js';

/** Rows of one layer that are here: what another cache can go on from. */
export type RowSource = {
  readonly from: number;
  readonly end: number;
  read(start: number, end: number): RowsAt;
  copyInto(target: CacheLayer, start: number, end: number): void;
};

/** Rows [start, end) are to come, and have come up to `filled`. */
type Run = RowsAt & { readonly end: number; filled: number };

export type ApartPlace = {
  /** Runs of rows that are to be kept. */
  readonly wanted: readonly Slice[];
  /** Elements of one row's keys. */
  readonly width: number;
  /** Takes memory for so many elements. */
  readonly take: (elements: number) => Elements;
  readonly giveBack: (buffer: ArrayBuffer) => void;
};

export class RowsApart {
  readonly #place: ApartPlace;
  #runs: Run[] = [];

  constructor(place: ApartPlace) {
    this.#place = place;
  }

  /** Takes memory for the runs that end after row `next`. @param from rows before this one are not there */
  begin(from: number, next: number): void {
    for (const { start, end } of this.#place.wanted)
      if (end > next) this.#runs.push(this.#run(Math.max(start, from), end));
  }

  /** Copies what is wanted of rows that are written. */
  note(rows: RowsAt): void {
    for (const run of this.#runs) {
      const start = Math.max(run.start, rows.start);
      const end = Math.min(run.end, this.#endOf(rows));
      if (start < end) this.#fill(run, this.#part(rows, start, end));
    }
  }

  /** Copies the runs that end by row `next` from what another cache has. @param read gives rows where it has them */
  takeFrom(read: (start: number, end: number) => RowsAt | undefined, next: number): void {
    for (const { start, end } of this.#place.wanted) {
      const rows = end <= next ? read(start, end) : undefined;
      if (!rows) continue;
      const run = this.#run(start, end);
      this.#fill(run, rows);
      this.#runs.push(run);
    }
  }

  get sources(): RowSource[] {
    return this.#runs.map((run) => ({
      from: run.start,
      end: run.filled,
      read: (start, end) => this.#part(run, start, end),
      copyInto: (target, start, end) => target.write(this.#part(run, start, end)),
    }));
  }

  /** What has come does not count: the same rows come again. */
  startOver(): void {
    for (const run of this.#runs) run.filled = run.start;
  }

  /** A second call is harmless. */
  close(): void {
    for (const { keys, values } of this.#runs.splice(0)) {
      this.#place.giveBack(keys.buffer as ArrayBuffer);
      this.#place.giveBack(values.buffer as ArrayBuffer);
    }
  }

  #run(start: number, end: number): Run {
    const { take, width } = this.#place;
    const length = (end - start) * width;
    return { start, end, filled: start, keys: take(length), values: take(length) };
  }

  #fill(run: Run, rows: RowsAt): void {
    const at = (rows.start - run.start) * this.#place.width;
    run.keys.set(rows.keys, at);
    run.values.set(rows.values, at);
    run.filled = Math.max(run.filled, this.#endOf(rows));
  }

  #endOf({ start, keys }: RowsAt): number {
    return start + keys.length / this.#place.width;
  }

  #part(rows: RowsAt, start: number, end: number): RowsAt {
    const { width } = this.#place;
    const [from, to] = [(start - rows.start) * width, (end - rows.start) * width];
    return { start, keys: rows.keys.subarray(from, to), values: rows.values.subarray(from, to) };
  }
}
