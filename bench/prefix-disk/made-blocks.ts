/**
 * Blocks whose rows follow from their names, so that whoever reads one knows what must be in it.
 */
import type { NewBlock } from '../../src/prefix-store/block-writer.js';

export const MODEL = 'made';
export const BLOCKS = 64;
const ROW_BYTES = 64 << 10;
/** For about half of them. */
export const LIMIT_BYTES = (BLOCKS / 2) * ROW_BYTES;

export function madeBlock(block: number): NewBlock & { readonly rows: Uint8Array<ArrayBuffer> } {
  const hash = block.toString(16).padStart(40, '0');
  const rows = new Uint8Array(ROW_BYTES).map((_, at) => block * 31 + at * 7);
  return { hash, start: block % 3, block, rows };
}
