/**
 * Rows that a cache of windows keeps apart at some positions, so that a later prompt can go on from there though the layer
 * itself has let them go. Copied as the layer passes a position, and given back together.
 */
import { firstForResume } from '../../../core/resume-points.js';
import type { AttentionSpec } from '../../../core/layers/layer-spec.js';
import type { Elements } from '../../sessions/kernels.js';
import type { KvMemory } from './kv-memory.js';
import type { LayerRows, RowsAt } from './layer-rows.js';

/** Rows of one layer that are here: what another cache can go on from. */
export type RowSource = {
  readonly from: number;
  readonly end: number;
  copyInto(target: LayerRows, from: number, end: number): void;
};

export class ResumeRows {
  /** Positions of the context, ascending; none once it is closed. */
  points: readonly number[];
  readonly #memory: KvMemory;
  readonly #width: number;
  readonly #buffers: ArrayBuffer[] = [];
  readonly #kept = new Map<number, RowsAt[]>();

  /** @param width elements of one row's keys */
  constructor(points: readonly number[], memory: KvMemory, width: number) {
    this.points = points;
    this.#memory = memory;
    this.#width = width;
  }

  /** Keeps rows of the layer apart at each position in (start, end], where they were just written. */
  note(
    layer: number,
    attention: Pick<AttentionSpec, 'windowTokens'>,
    rows: LayerRows,
    start: number,
    end: number,
  ): void {
    for (const point of this.points) {
      if (point <= start || point > end) continue;
      const from = Math.max(rows.span.from, firstForResume(attention, point));
      this.#add(layer, { start: from, ...rows.read(from, point) });
    }
  }

  /** Keeps what another one has of a layer at these positions, up to `end`. */
  copyFrom(other: ResumeRows, layer: number, end: number): void {
    for (const rows of other.#kept.get(layer) ?? []) {
      const point = this.#endOf(rows);
      if (point <= end && this.points.includes(point)) this.#add(layer, rows);
    }
  }

  sources(layer: number): RowSource[] {
    return (this.#kept.get(layer) ?? []).map((rows) => ({
      from: rows.start,
      end: this.#endOf(rows),
      copyInto: (target, from, end) => target.write(this.#part(rows, from, end)),
    }));
  }

  /** A second call is harmless. */
  close(): void {
    this.points = [];
    this.#kept.clear();
    for (const buffer of this.#buffers.splice(0)) this.#memory.giveBack(buffer);
  }

  #add(layer: number, rows: RowsAt): void {
    const copy = { start: rows.start, keys: this.#copy(rows.keys), values: this.#copy(rows.values) };
    this.#kept.set(layer, [...(this.#kept.get(layer) ?? []), copy]);
  }

  #endOf({ start, keys }: RowsAt): number {
    return start + keys.length / this.#width;
  }

  #part(rows: RowsAt, start: number, end: number): RowsAt {
    const [from, to] = [(start - rows.start) * this.#width, (end - rows.start) * this.#width];
    return { start, keys: rows.keys.subarray(from, to), values: rows.values.subarray(from, to) };
  }

  #copy(source: Elements): Elements {
    const buffer = this.#memory.take(source.byteLength);
    this.#buffers.push(buffer);
    const copy = source instanceof Uint16Array ? new Uint16Array(buffer) : new Float32Array(buffer);
    copy.set(source);
    return copy;
  }
}
