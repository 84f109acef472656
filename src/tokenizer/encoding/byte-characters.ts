/**
 * Byte-level tokenizers write each byte of a text's UTF-8 as one visible character. Called by normalizer and pre-tokenizer.
 */
import { byteOfCharacter } from '../files/hugging-face.js';

const CHARACTERS: readonly string[] = characters();
/** Bytes that stand for themselves, and nothing else. */
const AS_IT_IS = /^[!-~]*$/;

/** "é" → "Ã©", " " → "Ġ". */
export function byteCharacters(text: string): string {
  if (AS_IT_IS.test(text)) return text;
  let written = '';
  for (const byte of Buffer.from(text)) written += CHARACTERS[byte];
  return written;
}

function characters(): string[] {
  const table = new Array<string>(256);
  for (const [character, byte] of byteOfCharacter()) table[byte] = character;
  return table;
}
