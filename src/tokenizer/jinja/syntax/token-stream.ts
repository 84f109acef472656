/**
 * The tokens of a template, read one after the other.
 */
import type { Token } from './tokens.js';

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#at] ?? { type: 'end' };
  }

  get next(): Token {
    return this.#tokens[this.#at + 1] ?? { type: 'end' };
  }

  take(): Token {
    const token = this.current;
    this.#at += 1;
    return token;
  }

  isName(...names: readonly string[]): boolean {
    return this.current.type === 'name' && (names.length === 0 || names.includes(this.current.value));
  }

  isOperator(...operators: readonly string[]): boolean {
    return this.current.type === 'operator' && operators.includes(this.current.value);
  }

  /** @returns whether it was there */
  skipName(name: string): boolean {
    return this.#skip(this.isName(name));
  }

  /** @returns whether it was there */
  skipOperator(operator: string): boolean {
    return this.#skip(this.isOperator(operator));
  }

  /** @throws Error where another token stands here */
  expectOperator(operator: string): void {
    if (!this.skipOperator(operator)) throw this.fault(`"${operator}"`);
  }

  /** @throws Error where another token stands here */
  expectName(...names: readonly string[]): string {
    const { current } = this;
    if (current.type !== 'name' || !this.isName(...names)) throw this.fault(names[0] ?? 'a name');
    this.#at += 1;
    return current.value;
  }

  /** @throws Error where another token stands here */
  expect(type: Token['type']): void {
    if (this.take().type !== type) {
      this.#at -= 1;
      throw this.fault(`a ${type}`);
    }
  }

  fault(wanted: string): Error {
    const { current } = this;
    const found = 'value' in current ? `"${String(current.value).slice(0, 40)}"` : `a ${current.type}`;
    return new Error(`${wanted} is expected, and ${found} was found`);
  }

  #skip(isThere: boolean): boolean {
    if (isThere) this.#at += 1;
    return isThere;
  }
}
