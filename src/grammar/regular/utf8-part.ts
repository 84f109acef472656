/**
 * Characters of several bytes while their bytes come in. Pure. Source: RFC 3629.
 */

/** Characters that the bytes so far may become, first and last, and how many bytes are missing. */
export type CharacterPart = { readonly from: number; readonly to: number; readonly bytes: number };

const LEADS = [
  { first: 0xc2, last: 0xdf, offset: 0xc0, bytes: 1, least: 0x80 },
  { first: 0xe0, last: 0xef, offset: 0xe0, bytes: 2, least: 0x800 },
  { first: 0xf0, last: 0xf4, offset: 0xf0, bytes: 3, least: 0x10000 },
];
const LAST_POINT = 0x10ffff;
const [FIRST_SURROGATE, LAST_SURROGATE] = [0xd800, 0xdfff];

/** After the first byte; undefined where it begins no character of several bytes. */
export function firstPart(byte: number): CharacterPart | undefined {
  const lead = LEADS.find(({ first, last }) => byte >= first && byte <= last);
  if (!lead) return undefined;
  const size = 1 << (6 * lead.bytes);
  const first = (byte - lead.offset) * size;
  return {
    from: Math.max(first, lead.least),
    to: Math.min(first + size - 1, LAST_POINT),
    bytes: lead.bytes,
  };
}

/** After one more byte; undefined where it goes on to no character. */
export function bytePart({ from, to, bytes }: CharacterPart, byte: number): CharacterPart | undefined {
  if (byte < 0x80 || byte > 0xbf) return undefined;
  const size = 1 << (6 * (bytes - 1));
  const block = Math.floor(from / (size * 64)) * size * 64;
  const first = block + (byte - 0x80) * size;
  const part = { from: Math.max(first, from), to: Math.min(first + size - 1, to), bytes: bytes - 1 };
  const isSurrogate = part.from >= FIRST_SURROGATE && part.to <= LAST_SURROGATE;
  return part.from > part.to || isSurrogate ? undefined : part;
}

/** Whether any later bytes do. */
export function isWholeBlock({ from, to, bytes }: CharacterPart): boolean {
  const isWhole = to - from + 1 === 1 << (6 * bytes);
  return isWhole && (to < FIRST_SURROGATE || from > LAST_SURROGATE);
}
