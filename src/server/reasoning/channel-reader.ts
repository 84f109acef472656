/**
 * Tells thinking from the answer where a model writes several messages in a row, each with the channel that it is for
 * (Harmony, gpt-oss): analysis is thinking, what goes to a function is a call, the rest is the answer. Where a text is cut
 * into pieces makes no difference. Calls go on as they stand, with their header in one order, for the reader of calls.
 */
import type { ThoughtPart } from './reasoning-reader.js';

const MESSAGE = '<|message|>';
const CHANNEL = '<|channel|>';
const CALL_END = '<|call|>';
/** Any of them ends a message. */
const ENDS = ['<|end|>', '<|return|>', CALL_END, '<|start|>', CHANNEL] as const;
/** A header begins with one of these; an answer that begins otherwise has none, and is text. */
const HEADER_BEGINS = ['<|', 'to=', 'assistant'];

type Kind = 'reasoning' | 'text' | 'call';

export class ChannelReader {
  hasThought = false;
  /** Of the message whose text is read; undefined within a header. */
  #kind: Kind | undefined;
  #held = '';

  /** Whether what comes next may be thinking, or a mark of it. */
  get mayThink(): boolean {
    return this.#kind === undefined || this.#kind === 'reasoning';
  }

  /** @returns what is certain now */
  push(text: string): ThoughtPart[] {
    this.#held += text;
    const parts: ThoughtPart[] = [];
    for (let isMore = true; isMore;)
      isMore = this.#kind === undefined ? this.#readHeader(parts) : this.#readMessage(this.#kind, parts);
    return parts;
  }

  /** What was held back, once no more comes. */
  end(): ThoughtPart[] {
    const kind =
      this.#kind ??
      (HEADER_BEGINS.some((one) => this.#held.trimStart().startsWith(one)) ? undefined : 'text');
    const text = this.#held;
    this.#held = '';
    return kind === undefined || text === '' ? [] : [{ type: kind === 'reasoning' ? kind : 'text', text }];
  }

  /** @returns whether there is more to read */
  #readHeader(parts: ThoughtPart[]): boolean {
    const at = this.#held.indexOf(MESSAGE);
    const lead = this.#held.trimStart();
    if (at < 0) {
      const mayBe = lead === '' || HEADER_BEGINS.some((one) => one.startsWith(lead) || lead.startsWith(one));
      if (!mayBe) this.#kind = 'text';
      return !mayBe;
    }
    const header = this.#held.slice(0, at);
    this.#held = this.#held.slice(at + MESSAGE.length);
    const [, name] = /to=functions\.([\w.:/@+-]+)/.exec(header) ?? [];
    const isAnalysis = /<\|channel\|>\s*analysis/.test(header);
    this.#kind = name !== undefined ? 'call' : isAnalysis ? 'reasoning' : 'text';
    this.hasThought ||= this.#kind === 'reasoning';
    if (name !== undefined)
      parts.push({ type: 'text', text: `${CHANNEL}commentary to=functions.${name}${MESSAGE}` });
    return true;
  }

  #readMessage(kind: Kind, parts: ThoughtPart[]): boolean {
    const found = ENDS.map((mark) => ({ mark, at: this.#held.indexOf(mark) })).filter(({ at }) => at >= 0);
    const [first] = found.sort((one, other) => one.at - other.at);
    const end = first?.at ?? this.#held.length - heldLength(this.#held);
    const isCallEnd = kind === 'call' && first?.mark === CALL_END;
    const text = this.#held.slice(0, end) + (isCallEnd ? CALL_END : '');
    if (text !== '') parts.push({ type: kind === 'reasoning' ? kind : 'text', text });
    if (!first) {
      this.#held = this.#held.slice(end);
      return false;
    }
    this.#kind = undefined;
    this.#held = this.#held.slice(first.mark === CHANNEL ? end : end + first.mark.length);
    return true;
  }
}

/** Of the end: what may be the begin of a mark. */
function heldLength(text: string): number {
  const longest = Math.max(...ENDS.map((mark) => mark.length)) - 1;
  for (let length = Math.min(text.length, longest); length > 0; length -= 1)
    if (ENDS.some((mark) => mark.startsWith(text.slice(-length)))) return length;
  return 0;
}
