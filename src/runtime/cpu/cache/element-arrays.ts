/**
 * Arrays of a cache's element types: rows of f16 stand as bits, and rows of q8 as bytes (q8-rows.ts).
 */
import type { KvDtype } from '../../../core/shape.js';
import type { Elements } from '../../sessions/kernels.js';

/** What makes arrays of rows. */
export function arrayKind(kvDtype: KvDtype) {
  switch (kvDtype) {
    case 'f32':
      return Float32Array;
    case 'f16':
      return Uint16Array;
    case 'q8':
      return Uint8Array;
  }
}

/** The element type of rows. */
export function kvDtypeOf(rows: Elements): KvDtype {
  if (rows instanceof Float32Array) return 'f32';
  return rows instanceof Uint16Array ? 'f16' : 'q8';
}

/** An array of zeros of the same type. */
export function arrayLike<T extends Elements>(other: T, length: number): T {
  return new (arrayKind(kvDtypeOf(other)))(length) as T;
}
