/**
 * How the layers of a cache lie in its buffer: keys and values of layer 0, those of layer 1 and so on; in a q8 cache all
 * layers' scales likewise before all numbers, so that they begin where f32 may.
 */
import { type KvDtype, kvHeadBytes } from '../../../core/shape.js';
import type { Elements } from '../../sessions/kernels.js';
import type { HeadRows, LayerPlace } from './cache-layer.js';
import { arrayKind } from './element-arrays.js';
import { PIECE_TOKENS } from './sum-pieces.js';

/** Bytes of all layers' keys and values. */
export function layersBytes(places: readonly LayerPlace[], kvDtype: KvDtype): number {
  return places.reduce((sum, place) => sum + 2 * headRowsOf(place) * kvHeadBytes(place, kvDtype), 0);
}

/** @param buffer of layersBytes → views for each layer */
export function layerArrays(
  buffer: ArrayBuffer,
  places: readonly LayerPlace[],
  kvDtype: KvDtype,
): HeadRows[] {
  let at = 0;
  const next = (Kind: ReturnType<typeof arrayKind>, length: number): Elements => {
    const array = new Kind(buffer, at, length);
    at += array.byteLength;
    return array;
  };
  const both = (Kind: ReturnType<typeof arrayKind>, length: number) => ({
    keys: next(Kind, length),
    values: next(Kind, length),
  });
  const scales = kvDtype === 'q8' ? places.map((place) => both(Float32Array, headRowsOf(place))) : [];
  return places.map((place, layer) => {
    const rows = both(arrayKind(kvDtype), headRowsOf(place) * place.headDim);
    const own = scales[layer];
    return own ? { ...rows, scales: own } : rows;
  });
}

/**
 * Rows at the end, so that [kvHeads, strideRows, D] also fits from the first row that is not zeros, and pieces that begin at
 * any row of the cache do.
 */
function headRowsOf({ kvHeads, rows }: LayerPlace): number {
  return kvHeads * (rows + 1) + PIECE_TOKENS;
}
