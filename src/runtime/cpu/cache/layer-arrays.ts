/**
 * How the layers of a cache lie in its buffer: keys and values of layer 0, those of layer 1 and so on.
 */
import type { KvDtype } from '../../../core/shape.js';
import type { Elements } from '../../sessions/kernels.js';
import type { KeysAndValues } from './cpu-cache-rows.js';
import type { LayerPlace } from './layer-rows.js';
import { PIECE_TOKENS } from './sum-pieces.js';

/** Bytes of all layers' keys and values. */
export function layersBytes(places: readonly LayerPlace[], kvDtype: KvDtype): number {
  const elements = places.reduce((sum, place) => sum + 2 * elementsOf(place), 0);
  return elements * kindOf(kvDtype).BYTES_PER_ELEMENT;
}

/** @param buffer of layersBytes → views for each layer */
export function layerArrays(
  buffer: ArrayBuffer,
  places: readonly LayerPlace[],
  kvDtype: KvDtype,
): KeysAndValues[] {
  const Kind = kindOf(kvDtype);
  let at = 0;
  const next = (length: number): Elements => {
    const array = new Kind(buffer, at, length);
    at += array.byteLength;
    return array;
  };
  return places.map((place) => ({ keys: next(elementsOf(place)), values: next(elementsOf(place)) }));
}

/**
 * Rows at the end, so that [kvHeads, strideRows, D] also fits from the first row that is not zeros, and pieces that begin at
 * any row of the cache do.
 */
function elementsOf({ kvHeads, headDim, rows }: LayerPlace): number {
  return (kvHeads * (rows + 1) + PIECE_TOKENS) * headDim;
}

function kindOf(kvDtype: KvDtype) {
  return kvDtype === 'f16' ? Uint16Array : Float32Array;
}
