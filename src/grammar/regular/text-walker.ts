/**
 * An automaton over characters, followed byte by byte, as JSON writes them (escaped where they must be) or as they are.
 */
import type { Walker } from '../terms/terms.js';
import type { Dfa } from './dfa.js';
import type { Lengths } from './lengths.js';
import { bytePart, type CharacterPart, firstPart, isWholeBlock } from './utf8-part.js';

const SHORT_ESCAPES: Readonly<Record<string, number>> = {
  b: 0x08,
  t: 0x09,
  n: 0x0a,
  f: 0x0c,
  r: 0x0d,
  '"': 0x22,
  '\\': 0x5c,
};
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const SPACE = 0x20;
/** What stands behind a backslash, and the character that it means: control characters without a short escape are numbers. */
const ESCAPES: readonly (readonly [text: string, point: number])[] = [
  ...Object.entries(SHORT_ESCAPES),
  ...Array.from({ length: SPACE }, (_, point) => point)
    .filter((point) => !Object.values(SHORT_ESCAPES).includes(point))
    .map((point) => [`u${point.toString(16).padStart(4, '0')}`, point] as const),
];

/** @returns undefined where no text is of a length that is allowed */
export function textWalker(dfa: Dfa, lengths: Lengths | undefined, isJson: boolean): Walker | undefined {
  if (lengths && !lengths.isAlive(0, 0)) return undefined;
  return new WalkedText(dfa, lengths, isJson).between(0, 0);
}

/** A state of the text, and how many characters led to it. */
type At = { readonly state: number; readonly count: number };

class WalkedText {
  readonly #dfa: Dfa;
  readonly #lengths: Lengths | undefined;
  readonly #isJson: boolean;
  readonly #known = new Map<string, Walker>();

  constructor(dfa: Dfa, lengths: Lengths | undefined, isJson: boolean) {
    this.#isJson = isJson;
    this.#dfa = dfa;
    this.#lengths = lengths;
  }

  between(state: number, count: number): Walker {
    const at: At = { state, count: this.#lengths?.counted(count) ?? 0 };
    return this.#kept(`${at.state},${at.count}`, () => {
      const canEnd = this.#dfa.canEnd[state] === true && (this.#lengths?.mayEnd(at.count) ?? true);
      return new ByteWalker(canEnd, (byte) => this.#afterByte(at, byte));
    });
  }

  #afterByte(at: At, byte: number): Walker | undefined {
    if (this.#isJson && byte === BACKSLASH) return this.#escape(at, '');
    if (this.#isJson && (byte < SPACE || byte === QUOTE)) return undefined;
    if (byte < 0x80) return this.#after(at, byte);
    const part = firstPart(byte);
    return part && this.#within(at, part);
  }

  /** Bytes of one character. Those that all lead to one state go on alike, whatever the character. */
  #within(at: At, part: CharacterPart): Walker | undefined {
    if (part.bytes === 0) return this.#after(at, part.from);
    const targets = this.#targets(at, part);
    if (targets.size === 0) return undefined;
    const [target] = targets;
    const make = (): Walker =>
      new ByteWalker(false, (byte) => {
        const next = bytePart(part, byte);
        return next && this.#within(at, next);
      });
    const isAlike = targets.size === 1 && target !== -1 && isWholeBlock(part);
    return isAlike ? this.#kept(`${target},${at.count},${part.bytes}`, make) : make();
  }

  /** States that the characters lead to, -1 among them where some lead to none; empty where none leads on. */
  #targets(at: At, { from, to }: CharacterPart): Set<number> {
    const { alphabet, next } = this.#dfa;
    const found = new Set<number>();
    for (let index = alphabet.indexOf(from); (alphabet.intervals[index]?.first ?? Infinity) <= to; index++) {
      const target = next[at.state]?.[alphabet.intervals[index]?.set ?? 0] ?? -1;
      found.add(this.#isAlive(target, at) ? target : -1);
    }
    return found.size === 1 && found.has(-1) ? new Set() : found;
  }

  /** Undefined where no escape that begins so leads on. */
  #escape(at: At, text: string): Walker | undefined {
    const left = ESCAPES.filter(([escape, point]) => escape.startsWith(text) && this.#leadsOn(at, point));
    if (left.length === 0) return undefined;
    const [whole] = left;
    if (whole?.[0] === text) return this.#after(at, whole[1]);
    return new ByteWalker(false, (byte) => this.#escape(at, text + String.fromCharCode(byte)));
  }

  #leadsOn(at: At, point: number): boolean {
    return this.#isAlive(this.#target(at, point), at);
  }

  #target({ state }: At, point: number): number {
    return this.#dfa.next[state]?.[this.#dfa.alphabet.setOf(point)] ?? -1;
  }

  #after(at: At, point: number): Walker | undefined {
    const target = this.#target(at, point);
    return this.#isAlive(target, at) ? this.between(target, at.count + 1) : undefined;
  }

  #isAlive(state: number, { count }: At): boolean {
    return state >= 0 && (this.#lengths?.isAlive(state, count + 1) ?? true);
  }

  #kept(key: string, make: () => Walker): Walker {
    const known = this.#known.get(key) ?? make();
    this.#known.set(key, known);
    return known;
  }
}

class ByteWalker implements Walker {
  readonly canEnd: boolean;
  readonly #follow: (byte: number) => Walker | undefined;
  readonly #next = new Map<number, Walker | undefined>();

  constructor(canEnd: boolean, follow: (byte: number) => Walker | undefined) {
    this.canEnd = canEnd;
    this.#follow = follow;
  }

  next(byte: number): Walker | undefined {
    if (!this.#next.has(byte)) this.#next.set(byte, this.#follow(byte));
    return this.#next.get(byte);
  }
}
