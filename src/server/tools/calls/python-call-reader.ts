/**
 * Reads a call that is written as in Python, as Llama 4 does: f(a=1, b="x"). It is told once it is whole, since its
 * arguments become JSON.
 */
import type { CallPart, CallReader, CallState, KnownFunctions } from './call-part.js';
import { keywordArguments } from './python-literal.js';

const OPENING = '([{';
const CLOSING = ')]}';

export class PythonCallReader implements CallReader {
  state: CallState = 'maybe';
  source = '';
  readonly isInArguments = false;
  readonly #functions: KnownFunctions;
  #depth = 0;
  #quote = '';
  #isEscaped = false;

  constructor(functions: KnownFunctions) {
    this.#functions = functions;
  }

  get isInText(): boolean {
    return this.#quote !== '';
  }

  isHead(): boolean {
    return this.state === 'maybe';
  }

  take(char: string): CallPart[] {
    this.source += char;
    if (this.#quote !== '') this.#takeInText(char);
    else if (char === '"' || char === "'") this.#quote = char;
    else if (OPENING.includes(char)) this.#depth += 1;
    else if (CLOSING.includes(char) && --this.#depth === 0) return this.#readWhole();
    if (this.#depth <= 0 && !this.#mayBe()) this.state = 'none';
    return [];
  }

  #takeInText(char: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (char === '\\') this.#isEscaped = true;
    else if (char === this.#quote) this.#quote = '';
  }

  #mayBe(): boolean {
    return this.#depth === 0 && [...this.#functions.keys()].some((one) => one.startsWith(this.source));
  }

  #readWhole(): CallPart[] {
    const at = this.source.indexOf('(');
    const name = this.source.slice(0, at).trim();
    const values = keywordArguments(this.source.slice(at + 1, -1));
    const isCall = this.#functions.has(name) && values !== undefined;
    this.state = isCall ? 'whole' : 'none';
    return isCall
      ? [
          { type: 'call', name },
          { type: 'arguments', text: JSON.stringify(values) },
        ]
      : [];
  }
}
