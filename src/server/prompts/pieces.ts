/**
 * What tokens look like, special ones by their names, as a prompt is shown to who asks for it.
 */
import type { Tokenizer } from '../../tokenizer/index.js';

/** A token may be a part of a character. */
export function pieceBytes(id: number, tokenizer: Tokenizer): Uint8Array {
  const bytes = tokenizer.bytesOf(id);
  return bytes.length > 0 ? bytes : Buffer.from(tokenizer.nameOf(id) ?? '');
}

export function textOfIds(ids: Iterable<number>, tokenizer: Tokenizer): string {
  return Buffer.concat(Array.from(ids, (id) => pieceBytes(id, tokenizer))).toString();
}
