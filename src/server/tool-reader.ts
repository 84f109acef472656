/**
 * Tells calls of functions from text, as an answer comes. What could begin a call is held back; what turns out to be
 * none is handed on as the text it is, so that nothing is lost.
 */
import { isRecord } from './parameters.js';
import { PYTHON_TAG, type ToolCall, type ToolFormat } from './tool-formats.js';

export type AnswerPart =
  { readonly type: 'text'; readonly text: string } | { readonly type: 'call'; readonly call: ToolCall };

export class ToolReader {
  readonly #format: ToolFormat;
  readonly #names: ReadonlySet<string>;
  #held = '';
  #hasCalls = false;
  /** Space after a call: dropped, unless text follows. */
  #space = '';
  #isText = false;

  /** @param names of the functions there are: a call of another is text */
  constructor(format: ToolFormat, names: Iterable<string>) {
    this.#format = format;
    this.#names = new Set(names);
  }

  /** @returns what is certain now */
  push(text: string): AnswerPart[] {
    this.#held += text;
    const { open, close } = this.#format;
    if (open === undefined) return this.#pushWhole();
    const parts: AnswerPart[] = [];
    for (;;) {
      const start = this.#held.indexOf(open);
      if (start < 0)
        return [...parts, ...this.#release(this.#held.length - beginningLength(this.#held, open))];
      parts.push(...this.#release(start));
      const end = close === undefined ? -1 : this.#held.indexOf(close);
      if (close === undefined || end < 0) return parts;
      const whole = this.#held.slice(0, end + close.length);
      this.#held = this.#held.slice(whole.length);
      parts.push(...this.#partsOf(whole));
    }
  }

  /** What was held back, once no more comes. */
  end(): AnswerPart[] {
    const rest = this.#held;
    this.#held = '';
    return this.#partsOf(rest);
  }

  /** Where a call is the whole answer, its first character tells that it may be one. */
  #pushWhole(): AnswerPart[] {
    const begun = this.#held.trimStart();
    const isMaybe =
      begun === '' || begun.startsWith('{') || PYTHON_TAG.startsWith(begun.slice(0, PYTHON_TAG.length));
    // Text that has begun as text stays text.
    return isMaybe && !this.#isText ? [] : this.#asText();
  }

  #asText(): AnswerPart[] {
    this.#isText = true;
    return this.#release(this.#held.length);
  }

  #release(length: number): AnswerPart[] {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return this.#textPart(text);
  }

  #textPart(text: string): AnswerPart[] {
    if (this.#hasCalls && text.trim() === '') {
      this.#space += text;
      return [];
    }
    const whole = this.#space + text;
    this.#space = '';
    return whole === '' ? [] : [{ type: 'text', text: whole }];
  }

  #partsOf(whole: string): AnswerPart[] {
    const calls = this.#isText ? undefined : this.#callsIn(whole);
    if (!calls) return this.#textPart(whole);
    this.#hasCalls = true;
    this.#space = '';
    return calls.map((call) => ({ type: 'call', call }));
  }

  /** @returns undefined where it is no call of one of the functions */
  #callsIn(whole: string): ToolCall[] | undefined {
    const { open = PYTHON_TAG, close } = this.#format;
    let inner = whole.trim();
    if (inner.startsWith(open)) inner = inner.slice(open.length);
    if (close !== undefined && inner.endsWith(close)) inner = inner.slice(0, -close.length);
    const value = parsed(inner);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    const calls = values.map((one) => this.#callOf(one));
    return calls.length > 0 && calls.every((call) => call !== undefined) ? calls : undefined;
  }

  #callOf(value: unknown): ToolCall | undefined {
    if (!isRecord(value)) return undefined;
    const { name, arguments: one, parameters: other } = value;
    const given = one ?? other ?? {};
    const isKnown = typeof name === 'string' && this.#names.has(name);
    // Some models write the arguments as a text of JSON.
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    return isKnown && isRecord(parsed(text)) ? { name, text } : undefined;
  }
}

/** How much of a text's end is the beginning of the mark. */
function beginningLength(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
