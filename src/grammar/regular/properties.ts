/**
 * Sets of characters by their Unicode property, as this Node knows them.
 */
import type { Range } from '../terms/terms.js';

/** Each takes some ten milliseconds to work out and up to 10 kB to keep. */
const MAX_KEPT = 64;
/** Parts of a grammar that are read in the time that one property takes. */
export const PROPERTY_WORK = 10_000;

const known = new Map<string, readonly Range[]>();

/** @param property what stands in the braces of \p{…}; RegExp has taken it */
export function propertyRanges(property: string): readonly Range[] {
  const kept = known.get(property);
  if (kept) return kept;
  const found = Array.from(everything().matchAll(new RegExp(`\\p{${property}}+`, 'gu')), ([run]) =>
    rangeOf(run),
  );
  const [oldest] = known.keys();
  if (known.size >= MAX_KEPT && oldest !== undefined) known.delete(oldest);
  known.set(property, found);
  return found;
}

function rangeOf(run: string): Range {
  const isPair = /[\udc00-\udfff]$/.test(run);
  return [run.codePointAt(0) ?? 0, run.codePointAt(run.length - (isPair ? 2 : 1)) ?? 0];
}

/** All code points but surrogates, which no text of JSON has; in blocks, since a text is made of so many at once. */
function everything(): string {
  const blocks: string[] = [];
  for (let block = 0; block <= 0x10ff00; block += 0x100) {
    if (block >= 0xd800 && block < 0xe000) continue;
    blocks.push(String.fromCodePoint(...Array.from({ length: 0x100 }, (_, index) => block + index)));
  }
  return blocks.join('');
}
