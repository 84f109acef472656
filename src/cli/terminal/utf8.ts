/**
 * Bytes that should be text. Knows no files; called where prompts are read.
 */
import { KvrError } from '../../core/errors.js';

/**
 * A byte order mark at the beginning is dropped, as everywhere.
 * @param name of the file or stream, for the message
 * @throws BAD_INPUT with the offset of the first byte that begins no character
 */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const offset = firstBadByte(bytes);
    const value = (bytes[offset] ?? 0).toString(16).padStart(2, '0');
    const message = `${name} is not UTF-8: byte 0x${value} at offset ${offset} begins no character; convert it to UTF-8 first`;
    throw new KvrError('BAD_INPUT', message, { offset }, error);
  }
}

/** @returns the offset of the first character that is cut off or not valid UTF-8; the length where all are valid */
export function firstBadByte(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  // Binary search: the first `low` bytes can begin a valid text, the first `high + 1` can not.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (beginning(bytes.subarray(0, middle)) === undefined) high = middle - 1;
    else low = middle;
  }
  return beginning(bytes.subarray(0, low)) ?? 0;
}

/** @returns how many bytes belong to whole characters, or undefined where no valid text begins with these bytes */
function beginning(bytes: Uint8Array): number | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return Buffer.byteLength(text);
  } catch {
    // The only possible error: a TypeError for bytes that are not UTF-8.
    return undefined;
  }
}
