/**
 * What a grammar is made of: terms over bytes. Each is made once and never changes, so that positions in a text can
 * be compared by identity. Pure; json-schema.ts and pattern.ts build them, automaton.ts walks them.
 */

/** A small deterministic automaton of its own. One object a state; from every state an end can be reached. */
export interface Walker {
  readonly canEnd: boolean;
  /** The same object each time for the same byte. */
  next(byte: number): Walker | undefined;
}

export type Range = readonly [first: number, last: number];

export type Term =
  /** One byte of these. */
  | { readonly kind: 'byte'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Term[] }
  | { readonly kind: 'choice'; readonly options: readonly Term[] }
  | { readonly kind: 'repeat'; readonly part: Term; readonly min: number; readonly max: number }
  | { readonly kind: 'walk'; readonly walker: Walker }
  /** A term that is known by the time it is needed: what recursive grammars are tied together with. */
  | { readonly kind: 'later'; readonly get: () => Term };

export type RepeatTerm = Extract<Term, { kind: 'repeat' }>;

export const byte = (...ranges: readonly Range[]): Term => ({ kind: 'byte', ranges });
export const sequence = (...parts: readonly Term[]): Term => ({ kind: 'sequence', parts });
export const choice = (...options: readonly Term[]): Term => ({ kind: 'choice', options });
export const repeat = (part: Term, min = 0, max = Infinity): Term => ({ kind: 'repeat', part, min, max });
export const optional = (part: Term): Term => repeat(part, 0, 1);
export const walk = (walker: Walker): Term => ({ kind: 'walk', walker });
export const NOTHING: Term = sequence();
/** Matches no text at all, not even the empty one. */
export const IMPOSSIBLE: Term = choice();

export function later(make: () => Term): Term {
  let made: Term | undefined;
  return { kind: 'later', get: () => (made ??= make()) };
}

/** A byte of these characters, all ASCII. */
export function anyOf(characters: string): Term {
  return byte(...Array.from(characters, (char): Range => [char.charCodeAt(0), char.charCodeAt(0)]));
}

export function text(value: string): Term {
  return bytes(Buffer.from(value));
}

export function bytes(value: Uint8Array): Term {
  return sequence(...Array.from(value, (one) => byte([one, one])));
}

/** `part`, again and again with the separator between. @param min, max how many parts */
export function separated(part: Term, separator: Term, min: number, max: number): Term {
  if (max === 0) return NOTHING;
  const more = repeat(sequence(separator, part), Math.max(0, min - 1), max - 1);
  return min === 0 ? optional(sequence(part, more)) : sequence(part, more);
}
