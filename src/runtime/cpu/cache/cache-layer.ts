/**
 * One layer of a cache, whatever its element type: which rows of the context are there, and where kernels find them.
 */
import { KvrError } from '../../../core/errors.js';
import type { KeysAndValues } from './cpu-cache-rows.js';

export type LayerPlace = {
  readonly kvHeads: number;
  readonly headDim: number;
  /** The context's position of the first row at the beginning. */
  readonly first: number;
  /** Rows that it has room for. */
  readonly rows: number;
  /** Where the context may end. */
  readonly capacity: number;
  /** How many rows stay when older ones go; they never go unless given. */
  readonly keptRows?: number | undefined;
};

/** A run of rows of all KV heads, [rows, kvHeads, D] each, and where it stands. */
export type RowsAt = KeysAndValues & { readonly start: number };

/** Rows as kernels take them, [rows, D]: of q8 the numbers alone, and the scales, [rows], beside them. */
export type HeadRows = KeysAndValues & { readonly scales?: KeysAndValues };

export interface CacheLayer {
  /** The first row that is here, and where they end, as long as they come without gaps. */
  readonly span: { readonly from: number; readonly end: number };
  /** Rows of one head from the beginning of its own to the next one's. */
  readonly strideRows: number;
  /** Rows from the first on, [kvHeads, strideRows, D], as views; of every head all rows but the last count. */
  readonly all: HeadRows;

  /** Before anything is written: rows [from, end) come first, and those before them never. */
  beginAt(from: number, end: number): void;
  /** Rows come again from the first on. */
  startOver(from: number): void;
  /** Copies rows in, a few at a time where older ones go meanwhile. @throws INTERNAL where they do not fit */
  write(rows: RowsAt): void;
  /** Copies rows [from, end) of another layer of the same heads, which has them. @throws INTERNAL where they do not fit */
  copyFrom(other: CacheLayer, from: number, end: number): void;
  /** True where rows [start, end) have their place here, whether they have come or not. */
  covers(start: number, end: number): boolean;
  /** Copies of rows [start, end), which are covered, [rows, kvHeads, D] each. */
  read(start: number, end: number): RowsAt;
  /** Rows [from, to) of one KV head, as views. @throws INTERNAL before the first row */
  views(head: number, from: number, to: number): HeadRows;
  /** The row of zeros and rows [0, tokens) of one KV head, as views. @throws INTERNAL where the layer begins later */
  afterZeros(head: number, tokens: number): HeadRows;
}

export function doNotFit(start: number, end: number, capacity: number): KvrError {
  return new KvrError('INTERNAL', `cache rows [${start}, ${end}) do not fit a capacity of ${capacity}`);
}
