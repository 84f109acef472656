/**
 * Rows of a request as plain arrays. Parts are views, so nothing is copied when a chunk goes through the kernels in parts.
 */
import { KvrError } from '../../../core/errors.js';
import type { AttendedRows, StateRows } from '../../backend/rows.js';
import { freeBuffer } from '../../sessions/free-buffer.js';
import type { Elements } from '../../sessions/kernels.js';
import type { KeysAndValues } from '../cache/cpu-cache-rows.js';
import { joinArrays, viewKeysAndValues, viewRows } from './arrays.js';
import { type Projections, viewProjections } from './projections.js';
import { type RotaryTable, viewTables } from './rotary.js';

const NO_ROWS = new Float32Array();

type RowsOptions = {
  readonly layer?: number | undefined;
  readonly projections?: Projections | undefined;
  readonly rounded?: KeysAndValues | undefined;
  readonly isPart?: boolean;
};

export class CpuStateRows implements StateRows {
  readonly kind = 'states';
  readonly count: number;
  /** One for every kind of rotary positions of the model. */
  readonly rotary: readonly RotaryTable[];
  /** The layer whose block made these rows; -1 before the first. */
  readonly layer: number;
  /** [count, hidden] */
  readonly hidden: Float32Array;
  #projections: Projections | undefined;
  /** Keys and values as an f16 or q8 cache has them, in place of those of the projections. */
  #rounded: KeysAndValues | undefined;
  readonly #isPart: boolean;

  /**
   * Owns all arrays but the table of positions, each in a buffer of its own; a part owns nothing.
   * Where a block kept the last row only, keys and values are of all its rows.
   */
  constructor(
    count: number,
    rotary: readonly RotaryTable[],
    hidden: Float32Array,
    { layer = -1, projections, rounded, isPart = false }: RowsOptions = {},
  ) {
    this.#isPart = isPart;
    this.#rounded = rounded;
    this.count = count;
    this.rotary = rotary;
    this.layer = layer;
    this.hidden = hidden;
    this.#projections = projections;
  }

  /** @throws INTERNAL before the first block */
  get projections(): Projections {
    if (this.#projections) return this.#projections;
    throw new KvrError('INTERNAL', 'rows have no queries, keys and values before their first block');
  }

  part(from: number, to: number): CpuStateRows {
    if (from === 0 && to === this.count) return this;
    const view = (all: Float32Array): Float32Array => viewRows(all, this.count, from, to);
    const rotary = viewTables(this.rotary, this.count, from, to);
    const own = this.#projections;
    const projections = own && viewProjections(own, this.count, from, to);
    const rounded = this.#rounded && viewKeysAndValues(this.#rounded, this.count, from, to);
    const { layer } = this;
    return new CpuStateRows(to - from, rotary, view(this.hidden), {
      layer,
      projections,
      rounded,
      isPart: true,
    });
  }

  /** Keys and values [count, kvHeads·D] as they go into a cache. */
  get keysAndValues(): KeysAndValues {
    return this.#rounded ?? this.projections;
  }

  /** Those of the projections go; attention reads the others, or finds them in the cache. */
  replaceKeysAndValues(rounded: KeysAndValues | undefined): void {
    const { queries, keys, values } = this.projections;
    this.#projections = { queries, keys: NO_ROWS, values: NO_ROWS };
    this.#rounded = rounded;
    this.#free(keys, values);
  }

  release(): void {
    this.#free(this.hidden, ...Object.values(this.#projections ?? {}));
    if (this.#rounded) this.#free(...Object.values(this.#rounded));
  }

  #free(...arrays: readonly Elements[]): void {
    if (!this.#isPart) for (const { buffer } of arrays) freeBuffer(buffer);
  }
}

export class CpuAttendedRows implements AttendedRows {
  readonly kind = 'attended';
  readonly count: number;
  /** [count, heads·D] */
  readonly values: Float32Array;

  constructor(count: number, values: Float32Array) {
    this.count = count;
    this.values = values;
  }

  part(from: number, to: number): CpuAttendedRows {
    return new CpuAttendedRows(to - from, viewRows(this.values, this.count, from, to));
  }

  release(): void {
    freeBuffer(this.values.buffer);
  }
}

/** What a block made of parts, one after another, at the positions of `whole`. */
export function joinStateRows(whole: CpuStateRows, parts: readonly CpuStateRows[]): CpuStateRows {
  const joined = (name: keyof Projections): Float32Array =>
    joinArrays(parts.map(({ projections }) => projections[name]));
  const projections = { queries: joined('queries'), keys: joined('keys'), values: joined('values') };
  const hidden = joinArrays(parts.map((part) => part.hidden));
  const rounded = joinKeysAndValues(parts.map(({ keysAndValues }) => keysAndValues));
  return new CpuStateRows(whole.count, whole.rotary, hidden, {
    layer: parts[0]?.layer,
    projections,
    rounded,
  });
}

/** Of rounded rows that were kept; undefined where projections have them, or nobody. */
function joinKeysAndValues(parts: readonly KeysAndValues[]): KeysAndValues | undefined {
  if (!parts[0] || parts[0].keys instanceof Float32Array) return undefined;
  const joined = (name: keyof KeysAndValues): Elements => joinArrays(parts.map((part) => part[name]));
  return { keys: joined('keys'), values: joined('values') };
}

/** @throws INTERNAL for rows of another backend */
export function cpuStateRows(rows: StateRows): CpuStateRows {
  if (rows instanceof CpuStateRows) return rows;
  throw new KvrError('INTERNAL', 'rows of another backend');
}

/** @throws INTERNAL for rows of another backend */
export function cpuAttendedRows(rows: AttendedRows): CpuAttendedRows {
  if (rows instanceof CpuAttendedRows) return rows;
  throw new KvrError('INTERNAL', 'attention of another backend');
}
