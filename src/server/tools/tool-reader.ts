/**
 * Tells calls of functions from text, as an answer comes. What could begin a call is held back; what turns out to be
 * none is handed on as the text it is, so that nothing is lost. Where a text is cut into pieces makes no difference.
 */
import { type CallPart, type CallReader, isHeld, type KnownFunctions } from './calls/call-part.js';
import { canBegin, openCall } from './calls/open-call.js';
import type { ToolFormat } from './formats/tool-format.js';

/** Llama 3 may put it before a call; it has no meaning of its own. */
const PYTHON_TAG = '<|python_tag|>';

export type ReadPart = { readonly type: 'text'; readonly text: string } | CallPart;

/** What answers are held to: 'mixed' ones may be anything, 'either' ones are calls or text that holds none. */
export type AnswerForm = 'mixed' | 'either' | 'calls';

/**
 * Where the next character stands: in text; where a call may begin; in a call; behind one, where its closing mark, or
 * the next of a list, is expected.
 */
type Place = 'text' | 'before' | 'call' | 'after';

export class ToolReader {
  readonly #format: ToolFormat;
  readonly #functions: KnownFunctions;
  readonly #form: AnswerForm;
  /** An answer that begins as text has no calls. */
  readonly #isEither: boolean;
  #place: Place;
  #call: CallReader;
  /** Came, and is neither text nor part of a call yet. */
  #held = '';
  #isInList = false;
  #hasCalls = false;
  #isBehindCall = false;
  /** Space after a call: dropped, unless text follows. */
  #space = '';
  #parts: ReadPart[] = [];

  /** @param functions there are: a call of another is text */
  constructor(format: ToolFormat, functions: KnownFunctions, form: AnswerForm = 'mixed') {
    this.#format = format;
    this.#functions = functions;
    this.#form = form;
    this.#isEither = form !== 'mixed' || format.open === undefined;
    this.#place = this.#isEither ? 'before' : 'text';
    this.#call = openCall(format.syntax, functions);
  }

  /** True where a call has begun, and its arguments have not ended. */
  get isInArguments(): boolean {
    return this.#place === 'call' && this.#call.isInArguments;
  }

  /** @returns what is certain now */
  push(text: string): ReadPart[] {
    for (const char of text) this.#take(char);
    return this.#takeParts();
  }

  /** What was held back, once no more comes. @param isCut more would have come: the head of a call is no text then */
  end(isCut = false): ReadPart[] {
    const isOfCall = this.#isCutCall() || (isCut && this.#isHead());
    if (!isOfCall) this.#emitText(this.#held + this.#unread());
    this.#held = '';
    return this.#takeParts();
  }

  /** What was held back can only be a part of a call, or of what stands around it. */
  #isCutCall(): boolean {
    if (this.#place === 'after' || this.#form === 'calls') return true;
    return this.#form === 'either' && (this.#hasCalls || this.#format.open !== undefined);
  }

  /** What was held back is most likely the head of a call: the mark, or most of it, or the begin of a function's name. */
  #isHead(): boolean {
    const mark = this.#format.open ?? PYTHON_TAG;
    const lead = this.#held.trimStart();
    const isMarked = lead.startsWith(mark) || (this.#isInList && this.#hasCalls);
    if (this.#place === 'call') return this.#call.isHead(isMarked);
    if (isMarked) return true;
    return lead !== '' && mark.startsWith(lead) && (this.#isBehindCall || 2 * lead.length > mark.length);
  }

  #takeParts(): ReadPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** Of a call that has not begun. */
  #unread(): string {
    return this.#place === 'call' && isHeld(this.#call) ? this.#call.source : '';
  }

  #take(char: string): void {
    switch (this.#place) {
      case 'text':
        return this.#takeText(char);
      case 'before':
        return this.#takeBefore(char);
      case 'call':
        return this.#takeInCall(char);
      case 'after':
        return this.#takeAfter(char);
    }
  }

  #takeText(char: string): void {
    const { open } = this.#format;
    this.#held += char;
    const isPlain = open === undefined || (this.#isEither && !this.#hasCalls);
    const { around = [] } = this.#format;
    const kept = isPlain
      ? 0
      : Math.max(...[open, ...around].map((mark) => beginningLength(this.#held, mark)));
    const text = this.#held.slice(0, this.#held.length - kept);
    this.#held = this.#held.slice(text.length);
    this.#emitText(text);
    if (around.some((mark) => mark === this.#held)) this.#held = '';
    if (!isPlain && this.#held === open) this.#place = 'before';
  }

  #takeBefore(char: string): void {
    const lead = this.#leadOf(this.#held);
    if (this.#canBegin(char, lead)) {
      this.#isInList ||= lead === 'list';
      this.#place = 'call';
      this.#call = openCall(this.#format.syntax, this.#functions);
      return this.#takeInCall(char);
    }
    this.#held += char;
    if (this.#leadOf(this.#held) === 'none') this.#goOnAsText();
  }

  /** A list of calls in Python's way begins with its bracket. */
  #canBegin(char: string, lead: 'call' | 'list' | 'begun' | 'none'): boolean {
    const { syntax, open } = this.#format;
    const isBare = syntax.type === 'python' && open === undefined && !this.#isInList;
    return (lead === 'list' || (lead === 'call' && !isBare)) && canBegin(syntax, char);
  }

  /** What stands before a call: all of it, as a call or a list of them has it, its begin, or something else. */
  #leadOf(held: string): 'call' | 'list' | 'begun' | 'none' {
    const { open } = this.#format;
    const mark = this.#isInList ? '' : (open ?? PYTHON_TAG);
    const lead = held.trimStart();
    const isMarked = lead.startsWith(mark);
    const rest = isMarked || open === undefined ? lead.slice(isMarked ? mark.length : 0).trim() : undefined;
    if (rest === '') return 'call';
    if (rest === '[') return 'list';
    return mark.startsWith(lead) ? 'begun' : 'none';
  }

  #takeInCall(char: string): void {
    // No JSON has it outside of texts: the model has ended the call early.
    if (char === this.#format.close?.[0] && !this.#call.isInText) return this.#endEarly(char);
    this.#call.take(char).forEach((part) => this.#emit(part));
    if (!isHeld(this.#call)) this.#held = '';
    const { state } = this.#call;
    if (state === 'none') this.#goOnAsText();
    if (state === 'whole') this.#place = 'after';
  }

  #endEarly(char: string): void {
    if (isHeld(this.#call)) this.#goOnAsText();
    else this.#place = 'after';
    this.#take(char);
  }

  #takeAfter(char: string): void {
    const { close } = this.#format;
    this.#held += char;
    const rest = this.#behindFence(this.#held.trim());
    if (rest === close || (rest === ']' && this.#isInList)) {
      this.#held = '';
      this.#isInList = false;
      this.#place = rest === close || close === undefined ? 'text' : 'after';
    } else if (rest === ',' && this.#isInList) {
      this.#held = '';
      this.#place = 'before';
    } else if (close?.startsWith(rest) !== true && rest !== '') this.#goOnAsText();
  }

  /** Some models put the arguments between fences. */
  #behindFence(text: string): string {
    const { syntax } = this.#format;
    const fence = syntax.type === 'headed' ? syntax.behind.trim() : '';
    if (fence === '' || fence.startsWith(text)) return fence === '' ? text : '';
    return text.startsWith(fence) ? text.slice(fence.length).trim() : text;
  }

  /** What was held back is no call; behind its first character may be the begin of one. */
  #goOnAsText(): void {
    const held = this.#held + this.#unread();
    const isBehindCall = this.#place === 'after';
    this.#held = '';
    this.#place = 'text';
    this.#isInList = false;
    const [first = '', ...rest] = held;
    if (isBehindCall) this.#take(first);
    else this.#emitText(first);
    for (const char of rest) this.#take(char);
  }

  #emitText(text: string): void {
    if (text === '') return;
    const whole = this.#space + text;
    const isSpace = this.#isBehindCall && whole.trim() === '';
    this.#space = isSpace ? whole : '';
    if (isSpace) return;
    this.#isBehindCall = false;
    this.#emit({ type: 'text', text: whole });
  }

  /** Parts of one kind in a row become one. */
  #emit(part: ReadPart): void {
    const last = this.#parts.at(-1);
    if (part.type === 'call') {
      this.#hasCalls = this.#isBehindCall = true;
      this.#space = '';
    }
    if (last && part.type !== 'call' && last.type === part.type)
      this.#parts[this.#parts.length - 1] = { ...part, text: last.text + part.text };
    else this.#parts.push(part);
  }
}

/** How much of a text's end is the mark, or its beginning. */
function beginningLength(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length); length > 0; length--)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
