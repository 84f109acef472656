/**
 * Texts by their characters, as Python counts them: one beyond 16 bits is one, not two.
 */
const SURROGATES = /[\ud800-\udfff]/;

export function characters(text: string): string[] {
  return SURROGATES.test(text) ? Array.from(text) : text.split('');
}

export function characterCount(text: string): number {
  return SURROGATES.test(text) ? Array.from(text).length : text.length;
}

/** @param at as in JavaScript's texts. @returns as in Python's */
export function placeOf(text: string, at: number): number {
  return at < 0 ? at : characterCount(text.slice(0, at));
}

/** A part of a text or list. @param start, stop as Python has them: negative ones count from the end */
export function bounded(
  length: number,
  start: number | undefined,
  stop: number | undefined,
): [number, number] {
  const clamp = (at: number): number => Math.min(length, Math.max(0, at < 0 ? at + length : at));
  return [clamp(start ?? 0), clamp(stop ?? length)];
}
