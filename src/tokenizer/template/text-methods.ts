/**
 * Methods of Python's texts that the template library lacks, or, as strip, gives no argument. Pure; called by python-interpreter.
 */
type Method = (text: string, ...given: unknown[]) => unknown;

/** Those that take the place of the library's. */
export const OWN_METHODS: ReadonlySet<string> = new Set(['strip', 'lstrip', 'rstrip']);

/** Arguments are texts; the template's own error says where one is not. */
export const TEXT_METHODS: Readonly<Record<string, Method>> = {
  strip: (text, characters) => stripped(text, characters, true, true),
  lstrip: (text, characters) => stripped(text, characters, true, false),
  rstrip: (text, characters) => stripped(text, characters, false, true),
  find: (text, part) => text.indexOf(asText(part)),
  rfind: (text, part) => text.lastIndexOf(asText(part)),
  index: (text, part) => found(text.indexOf(asText(part))),
  count: (text, part) => text.split(asText(part)).length - 1,
  join: (text, parts) => (parts as unknown[]).map(asText).join(text),
  removeprefix: (text, part) => (text.startsWith(asText(part)) ? text.slice(asText(part).length) : text),
  removesuffix: (text, part) =>
    asText(part) !== '' && text.endsWith(asText(part)) ? text.slice(0, -asText(part).length) : text,
  splitlines: (text) =>
    text.split(/\r\n|[\n\r]/).filter((line, at, all) => at < all.length - 1 || line !== ''),
  isdigit: (text) => /^\p{Nd}+$/u.test(text),
  isspace: (text) => /^\p{White_Space}+$/u.test(text),
  swapcase: (text) =>
    Array.from(text, (each) => (each === each.toLowerCase() ? each.toUpperCase() : each.toLowerCase())).join(
      '',
    ),
};

/** What Python takes for white space; JavaScript has U+FEFF too, and lacks U+0085 and the four separators. */
const WHITE_SPACE =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

/** @param characters any of which is taken off; white space unless given */
function stripped(text: string, characters: unknown, left: boolean, right: boolean): string {
  const set = new Set(characters == null ? WHITE_SPACE : asText(characters));
  const all = Array.from(text);
  let start = 0;
  let end = all.length;
  while (left && start < end && set.has(all[start] ?? '')) start += 1;
  while (right && start < end && set.has(all[end - 1] ?? '')) end -= 1;
  return all.slice(start, end).join('');
}

/** Items of lists come as the template has them. */
function asText(given: unknown): string {
  const value = typeof given === 'object' && given !== null && 'value' in given ? given.value : given;
  if (typeof value === 'string') return value;
  throw new Error('a method of a text needs a text');
}

function found(at: number): number {
  if (at >= 0) return at;
  throw new Error('substring not found');
}
