/**
 * The characters of a GBNF grammar, one thing after the other.
 */
import { KvrError } from '../../core/errors.js';

const ESCAPES: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09 };
const ESCAPED = /[\\"[\]^\-/]/;
/** Digits of a character that is written as a number. */
const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const NAME = /[\w-]+/y;
const COUNTS = /\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}/y;

export class GbnfScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/\r\n?/g, '\n');
  }

  get peek(): string | undefined {
    const point = this.#text.codePointAt(this.#at);
    return point === undefined ? undefined : String.fromCodePoint(point);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  get isAtLineEnd(): boolean {
    return this.isAtEnd || this.peek === '\n';
  }

  take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  /** Over spaces and remarks. @param withLines over line ends too */
  skip(withLines: boolean): void {
    const pattern = withLines ? /(?:\s|#[^\n]*)*/y : /[ \t]*(?:#[^\n]*)?/y;
    this.#match(pattern);
  }

  /** @throws BAD_INPUT */
  name(): string {
    const [name] = this.#match(NAME) ?? [];
    if (name !== undefined) return name;
    throw this.fault(
      `"${this.peek ?? 'the end'}" is not expected here; a rule, a text or a class of characters is`,
    );
  }

  /** One character of a text or class, escaped or not. @throws BAD_INPUT */
  character(): number {
    const char = this.#next();
    if (char !== '\\') return char.codePointAt(0) ?? 0;
    const escaped = this.#next();
    const digits = DIGITS[escaped];
    if (digits !== undefined) return this.#number(digits);
    const point = ESCAPES[escaped] ?? (ESCAPED.test(escaped) ? escaped.codePointAt(0) : undefined);
    if (point === undefined) throw this.fault(`"\\${escaped}" is no escape; write the character itself`);
    return point;
  }

  /** The sign between the ends of a range; not one that stands last in its class. */
  takeRange(): boolean {
    return this.#text[this.#at + 1] !== ']' && this.take('-');
  }

  /** @returns how often what stands before comes; undefined where nothing says it */
  counts(): readonly [min: number, max: number] | undefined {
    if (this.take('*')) return [0, Infinity];
    if (this.take('+')) return [1, Infinity];
    if (this.take('?')) return [0, 1];
    const found = this.#match(COUNTS);
    if (!found) return undefined;
    const [, min, comma, max] = found;
    return [Number(min), comma === undefined ? Number(min) : max ? Number(max) : Infinity];
  }

  /** With the line that was reached. */
  fault(message: string): KvrError {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    return new KvrError('BAD_INPUT', `grammar, line ${line}: ${message}`);
  }

  #next(): string {
    const char = this.peek;
    if (char === undefined || char === '\n') throw this.fault('a text or a class of characters does not end');
    this.#at += char.length;
    return char;
  }

  #number(digits: number): number {
    const hex = this.#text.slice(this.#at, this.#at + digits);
    const point = new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(hex) ? Number.parseInt(hex, 16) : Infinity;
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      throw this.fault(`"${hex}" is no character`);
    this.#at += digits;
    return point;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }
}
