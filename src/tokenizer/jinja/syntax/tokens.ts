/**
 * A template's source as tokens: texts between tags as they are printed, and what stands in tags, word by word.
 */
import { literalText } from './literal-text.js';
import { endOfTag, nextTag, type Tag, unsplit } from './tags.js';

export type Token =
  | { readonly type: 'text' | 'name' | 'string' | 'operator'; readonly value: string }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'statement' | 'statement end' | 'print' | 'print end' | 'end' };

const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const FLOAT = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INT = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const STRING = /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,;]/y;
const SPACE = /\s*/y;
const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** @throws Error where the source is no template */
export function tokensOf(source: string): Token[] {
  return new Lexer(unsplit(source)).tokens();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  /** What stands before is a line's end, or nothing. */
  #isLineBegin = true;

  constructor(source: string) {
    this.#source = source;
  }

  tokens(): Token[] {
    for (;;) {
      const tag = nextTag(this.#source, this.#at, this.#isLineBegin);
      this.#addText(tag ? tag.before : this.#source.slice(this.#at));
      if (!tag) return [...this.#tokens, { type: 'end' }];
      this.#take(tag);
      this.#isLineBegin = this.#source[this.#at - 1] === '\n';
    }
  }

  #take(tag: Tag): void {
    this.#at = tag.end;
    if (tag.kind === 'comment') return;
    if (tag.kind === 'raw') return this.#addText(tag.text);
    const { kind } = tag;
    this.#tokens.push({ type: kind });
    this.#takeWords(kind);
    this.#tokens.push({ type: `${kind} end` });
  }

  #addText(value: string): void {
    if (value !== '') this.#tokens.push({ type: 'text', value });
  }

  /** Within brackets no tag ends. */
  #takeWords(kind: 'statement' | 'print'): void {
    const open: string[] = [];
    for (;;) {
      this.#match(SPACE);
      const end = open.length === 0 ? endOfTag(this.#source, this.#at, kind) : undefined;
      if (end !== undefined) {
        this.#at = end;
        return;
      }
      this.#tokens.push(this.#word(open));
    }
  }

  #word(open: string[]): Token {
    const name = this.#match(NAME);
    if (name !== undefined) return { type: 'name', value: name };
    const number = this.#match(FLOAT);
    if (number !== undefined) return { type: 'float', value: Number(number.replaceAll('_', '')) };
    const int = this.#match(INT);
    if (int !== undefined) return { type: 'int', value: BigInt(int.replaceAll('_', '').toLowerCase()) };
    const string = this.#match(STRING);
    if (string !== undefined) return { type: 'string', value: literalText(string.slice(1, -1)) };
    return { type: 'operator', value: this.#operator(open) };
  }

  #operator(open: string[]): string {
    const operator = this.#match(OPERATOR);
    if (operator === undefined) throw new Error(this.#fault());
    if ('([{'.includes(operator)) open.push(operator);
    const opening = CLOSING[operator];
    if (opening !== undefined && open.pop() !== opening) throw new Error(`"${operator}" closes nothing`);
    return operator;
  }

  #fault(): string {
    const rest = this.#source.slice(this.#at, this.#at + 10);
    return rest === '' ? 'a tag is not closed' : `"${rest}" can not be read`;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }
}
