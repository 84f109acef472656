/**
 * The keys and values of one request on a backend's device, for every layer rows [0, capacity), or what is left of them where
 * a layer sees a window only. Made by a BackendModel, which reads it in attention. How rows lie in it is the backend's matter.
 */
import type { KeptApart } from '../../core/kept-rows/resume-points.js';
import type { KvDtype } from '../../core/shape.js';
import type { CacheRows } from './rows.js';

/** Bytes, with what a layout needs beside the rows. */
export type KvMemoryCount = { readonly heldBytes: number; readonly taken: number };

export interface KvCache {
  readonly kvDtype: KvDtype;
  /** Where rows (tokens) of a layer end. */
  readonly capacity: number;
  /** Layers with a window begin with the first row that the row at this position sees; others, and models without, at 0. */
  readonly start: number;
  /** Bytes that its rows take in all layers; what a layout needs beside them is not counted, nor is what is kept apart. */
  readonly bytes: number;
  /** What it keeps apart of rows that layers with a window let go; nothing once that is dropped. */
  readonly apart: KeptApart;
  /** Bytes of those rows, when all of them have come. */
  readonly apartBytes: number;

  /** Bytes that such a cache takes with rows [0, end). */
  bytesOf(end: number): number;

  /** The most tokens, no more than these, that a cache can be continued from with (BackendModel.continueCache). */
  continuable(tokens: number): number;

  /** Gives the rows that are kept apart back. A second call is harmless. */
  dropRowsApart(): void;

  /** True where all rows from those that the row at this position sees up to the last can be read, in every layer. */
  holdsFrom(position: number): boolean;

  /** The rows written so far do not count: rows come from the beginning again. */
  startOver(): void;

  /**
   * True for a layer of which it has no room for a slice at once: attendSlice puts the slice's own rows in, a few at a time
   * as older ones go, and write() is for rows before the slice, and for the slice's of a layer that does not attend.
   */
  takesRowsLate(layer: number): boolean;

  /**
   * Copies rows in at [start, start + rows.count). The rows stay the caller's.
   * @throws INTERNAL where they do not fit, or are of another element type; WORKER_REFUSED where the device has no memory
   *   for the cache, which it takes with the first rows
   */
  write(layer: number, start: number, rows: CacheRows): Promise<void>;

  /**
   * Copies rows in as CacheRows.pack gives them; how many they are follows from the bytes. The bytes stay the caller's.
   * @throws INTERNAL where they are no whole rows or do not fit, WORKER_REFUSED as write
   */
  writePacked(layer: number, start: number, payload: Uint8Array<ArrayBuffer>): Promise<void>;

  /** Rows [start, end) of a layer, to be sent before anything else is written there. Owned by the caller. @throws INTERNAL */
  read(layer: number, start: number, end: number): CacheRows;

  /** Gives the memory back to the device at once, whoever still refers to the cache. A second call is harmless; any other call after it is an error of the caller. */
  close(): void;
}
