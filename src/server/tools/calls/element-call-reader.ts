/**
 * Reads a call that is written as elements, as Qwen 3 Coder does: <function=f><parameter=a>text</parameter></function>.
 * Arguments are told as JSON, one at a time, as soon as each has ended.
 */
import { argumentValue } from './argument-value.js';
import type { CallPart, CallReader, CallState, KnownFunctions } from './call-part.js';

const HEAD = '<function=';
const PARAMETER = '<parameter=';
const PARAMETER_END = '</parameter>';
const END = '</function>';

export class ElementCallReader implements CallReader {
  state: CallState = 'maybe';
  source = '';
  readonly #functions: KnownFunctions;
  #name = '';
  /** Of the element that is open. */
  #held = '';
  #isFirst = true;

  constructor(functions: KnownFunctions) {
    this.#functions = functions;
  }

  get isInArguments(): boolean {
    return this.state === 'open';
  }

  /** A value may hold anything, marks of calls too. */
  readonly isInText = true;

  isHead(isMarked: boolean): boolean {
    return isMarked && this.state === 'maybe';
  }

  take(char: string): CallPart[] {
    return this.state === 'maybe' ? this.#takeHead(char) : this.#takeElement(char);
  }

  #takeHead(char: string): CallPart[] {
    this.source += char;
    const lead = this.source.trimStart();
    const name = lead.slice(HEAD.length).replace(/>$/, '').trim();
    const isName = lead.startsWith(HEAD);
    if (isName && char === '>' && this.#functions.has(name)) {
      this.#name = name;
      this.state = 'open';
      return [
        { type: 'call', name },
        { type: 'arguments', text: '{' },
      ];
    }
    const mayBe = isName ? char !== '>' && this.#begins(name) : HEAD.startsWith(lead);
    if (!mayBe) this.state = 'none';
    return [];
  }

  #begins(name: string): boolean {
    return [...this.#functions.keys()].some((one) => one.startsWith(name));
  }

  #takeElement(char: string): CallPart[] {
    this.#held += char;
    if (char !== '>') return [];
    const held = this.#held.trimStart();
    if (held.startsWith(PARAMETER)) return held.endsWith(PARAMETER_END) ? this.#argument(held) : [];
    if (!held.endsWith(END)) return [];
    this.state = 'whole';
    return [{ type: 'arguments', text: '}' }];
  }

  /** One line end on each side belongs to the element, not to the value. */
  #argument(held: string): CallPart[] {
    this.#held = '';
    const [, key = '', text = ''] = /^<parameter=([^>]*)>([^]*)<\/parameter>$/.exec(held) ?? [];
    const value = text.replace(/^\n/, '').replace(/\n$/, '');
    const json = JSON.stringify(argumentValue(value, key.trim(), this.#functions.get(this.#name)));
    const separator = this.#isFirst ? '' : ', ';
    this.#isFirst = false;
    return [{ type: 'arguments', text: `${separator}${JSON.stringify(key.trim())}: ${json}` }];
  }
}
