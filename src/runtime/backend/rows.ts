/**
 * Rows of a request as a backend holds them, on its device. Row r stands for one token; nobody outside of the backend looks
 * inside. They become bytes only where they leave the worker: CacheRows.pack.
 *
 * Who asked for rows owns them and releases them once; a part is a view, valid as long as its whole, and is not released.
 * Rows go only to the model that made them.
 */
import type { KvDtype } from '../../core/shape.js';

interface DeviceRows {
  /** How many rows. */
  readonly count: number;
  /** Gives their memory back. A second call is harmless. */
  release(): void;
}

/**
 * What goes from block to block: hidden states [count, hidden] and the positions of the rows; from block 0 on also queries
 * [count, heads·D], keys and values [count, kvHeads·D] of the layer, keys and queries turned to their positions.
 */
export interface StateRows extends DeviceRows {
  readonly kind: 'states';
  /** Rows [from, to), without a copy. All of them may be these rows themselves. */
  part(from: number, to: number): StateRows;
}

/** What attention made of queries: [count, heads·D]. */
export interface AttendedRows extends DeviceRows {
  readonly kind: 'attended';
  /** Rows [from, to), without a copy. */
  part(from: number, to: number): AttendedRows;
}

/** Keys and values of one layer in the element type of a cache: rounded, ready to be written and sent. */
export interface CacheRows extends DeviceRows {
  readonly kind: 'cache';
  readonly kvDtype: KvDtype;
  /** Bytes of one row's keys and values together. */
  readonly rowBytes: number;
  /**
   * Rows [from, to) as they travel: keys [rows, kvHeads·D], then values likewise, f32 or f16, little-endian; q8 for every KV
   * head of a row its scale, f32, and D int8 numbers. The buffer is new,
   * holds nothing else, and is the caller's. A device may read all rows at the first call.
   */
  pack(from: number, to: number): Promise<Uint8Array<ArrayBuffer>>;
}
