/**
 * Reads a call that is written as its name, marks, and its arguments as JSON: Mistral 3, DeepSeek, Harmony. What stands
 * between name and arguments is taken as it comes, since models leave marks out.
 */
import type { CallPart, CallReader, CallState, KnownFunctions } from './call-part.js';
import { ObjectScanner } from './object-scanner.js';

/** Between a name and its arguments; marks and line ends need less. */
const MAX_BETWEEN_CHARS = 100;
const NAME = /^[\w.:/@+-]*/;

export class HeadedCallReader implements CallReader {
  state: CallState = 'maybe';
  source = '';
  readonly #functions: KnownFunctions;
  readonly #before: string;
  readonly #scanner = new ObjectScanner();
  #hasBegun = false;

  /** @param before may stand before the name */
  constructor(functions: KnownFunctions, before: string) {
    this.#functions = functions;
    this.#before = before;
  }

  get isInArguments(): boolean {
    return this.state === 'open';
  }

  get isInText(): boolean {
    // Marks between a name and its arguments begin as those that close a call.
    return !this.#hasBegun || this.#scanner.isInText;
  }

  isHead(isMarked: boolean): boolean {
    return isMarked && this.state === 'maybe';
  }

  take(char: string): CallPart[] {
    if (this.#hasBegun) return this.#takeArguments(char);
    this.source += char;
    const lead = this.source.trimStart();
    if (this.#before !== '' && this.#before.startsWith(lead)) return [];
    const named = lead.startsWith(this.#before) ? lead.slice(this.#before.length) : lead;
    const name = NAME.exec(named)?.[0] ?? '';
    const between = named.slice(name.length);
    if (char === '{') return this.#begin(name);
    if (!this.#mayBe(name, between)) this.state = 'none';
    return [];
  }

  #mayBe(name: string, between: string): boolean {
    if (between.length > MAX_BETWEEN_CHARS) return false;
    if (between === '') return [...this.#functions.keys()].some((one) => one.startsWith(name));
    return this.#functions.has(name);
  }

  #begin(name: string): CallPart[] {
    if (!this.#functions.has(name)) {
      this.state = 'none';
      return [];
    }
    this.#hasBegun = true;
    this.state = 'open';
    return [{ type: 'call', name }, ...this.#takeArguments('{')];
  }

  #takeArguments(char: string): CallPart[] {
    this.#scanner.take(char);
    if (this.#scanner.depth === 0) this.state = 'whole';
    return [{ type: 'arguments', text: char }];
  }
}
