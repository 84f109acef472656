/**
 * Which rows a block holds: all of its tokens in layers that see everything; in a layer with a window those from the first row on
 * that the writer's cache had. Pure.
 */
import { firstSeen } from '../core/kv-rows.js';
import { type KvDtype, kvRowBytes, layerSpecs, type ModelShape } from '../core/shape.js';
import { BLOCK_TOKENS } from './block-hashes.js';

/** Rows [from, to) of a layer, counted from the prompt's first token, and where their bytes lie in the block. */
export type LayerPart = {
  readonly layer: number;
  readonly from: number;
  readonly to: number;
  readonly offset: number;
  readonly bytes: number;
};

/** @param block counted from 0. @param start the position whose row sees the first rows that are held; 0 where all are */
export function blockParts(shape: ModelShape, kvDtype: KvDtype, block: number, start: number): LayerPart[] {
  const to = (block + 1) * BLOCK_TOKENS;
  const rowBytes = kvRowBytes(shape, kvDtype);
  let offset = 0;
  return layerSpecs(shape).map(({ attention }, layer) => {
    const from = Math.min(to, Math.max(to - BLOCK_TOKENS, firstSeen(attention, start)));
    const bytes = (to - from) * rowBytes;
    const part = { layer, from, to, offset, bytes };
    offset += bytes;
    return part;
  });
}

export function partsBytes(parts: readonly LayerPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
