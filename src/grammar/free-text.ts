/**
 * Any text that does not contain certain others: where one of them is complete, the free text has ended before it.
 */
import type { Walker } from './terms/terms.js';
import { SPECIAL_MARK } from './vocabulary.js';

/** By text, how many of its first bytes the end of what was read so far is. */
type Matched = readonly number[];

export class FreeText implements Walker {
  readonly canEnd = true;
  readonly #others: readonly Uint8Array[];
  readonly #matched: Matched;
  readonly #notFirst: Uint8Array;
  /** All states of one automaton, so that each is made once. */
  readonly #states: Map<string, FreeText>;

  static without(texts: readonly string[], notFirst = ''): FreeText {
    const others = texts.map((text) => Buffer.from(text));
    const states = new Map<string, FreeText>();
    return new FreeText(
      others,
      others.map(() => 0),
      Buffer.from(notFirst),
      states,
    );
  }

  private constructor(
    others: readonly Uint8Array[],
    matched: Matched,
    notFirst: Uint8Array,
    states: Map<string, FreeText>,
  ) {
    this.#others = others;
    this.#matched = matched;
    this.#notFirst = notFirst;
    this.#states = states;
  }

  next(byte: number): FreeText | undefined {
    if (byte === SPECIAL_MARK || this.#notFirst.includes(byte)) return undefined;
    const matched = this.#others.map((other, index) => matchedAfter(other, this.#matched[index] ?? 0, byte));
    if (matched.some((count, index) => count === this.#others[index]?.length)) return undefined;
    const key = matched.join();
    const state =
      this.#states.get(key) ?? new FreeText(this.#others, matched, new Uint8Array(), this.#states);
    this.#states.set(key, state);
    return state;
  }
}

/** How much of `other` has been read once `byte` follows `count` of its bytes. The texts are short, so plainly. */
function matchedAfter(other: Uint8Array, count: number, byte: number): number {
  const read = Buffer.concat([other.subarray(0, count), Buffer.of(byte)]);
  for (let length = Math.min(read.length, other.length); length > 0; length--)
    if (read.subarray(read.length - length).equals(other.subarray(0, length))) return length;
  return 0;
}
