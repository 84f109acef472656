/**
 * Tells thinking from the answer behind it. Thinking can only stand first: marks further on are text, as in code or in a
 * quote. Where a text is cut into pieces makes no difference.
 */
/** What stands before and behind thinking. */
export type ThoughtMarks = { readonly open: string; readonly close: string };

export type ThoughtPart = { readonly type: 'reasoning' | 'text'; readonly text: string };

export class ReasoningReader {
  readonly #format: ThoughtMarks;
  #place: 'before' | 'inside' | 'behind';
  #held = '';
  #hasThought: boolean;
  /** Space around the thoughts and around the marks says nothing. */
  #isAtBegin = true;

  /** @param isInside the prompt has opened the block */
  constructor(format: ThoughtMarks, isInside: boolean) {
    this.#format = format;
    this.#place = isInside ? 'inside' : 'before';
    this.#hasThought = isInside;
  }

  /** Whether what comes next may be thinking, or a mark of it. */
  get mayThink(): boolean {
    return this.#place !== 'behind';
  }

  /** Whether there was a block, by the prompt or by the answer. */
  get hasThought(): boolean {
    return this.#hasThought;
  }

  /** @returns what is certain now */
  push(text: string): ThoughtPart[] {
    this.#held += text;
    if (this.#place === 'before') this.#readBegin();
    const thoughts = this.#place === 'inside' ? this.#readThoughts() : [];
    return this.#place === 'behind' ? [...thoughts, ...this.#readText()] : thoughts;
  }

  /** What was held back, once no more comes: a block that was not closed is thinking to its end. */
  end(): ThoughtPart[] {
    const type = this.#place === 'inside' ? 'reasoning' : 'text';
    const text = type === 'reasoning' ? this.#held.trimEnd() : this.#held;
    this.#held = '';
    return part(type, text);
  }

  #readBegin(): void {
    const { open } = this.#format;
    const lead = this.#held.trimStart();
    if (lead.startsWith(open)) {
      this.#place = 'inside';
      this.#hasThought = true;
      this.#held = lead.slice(open.length);
    } else if (!open.startsWith(lead)) {
      this.#place = 'behind';
      this.#isAtBegin = false;
    }
  }

  #readThoughts(): ThoughtPart[] {
    const { open, close } = this.#format;
    if (this.#isAtBegin) this.#held = this.#held.trimStart();
    // Some models open the block again although the prompt has.
    if (this.#isAtBegin && this.#held.startsWith(open))
      this.#held = this.#held.slice(open.length).trimStart();
    else if (this.#isAtBegin && open.startsWith(this.#held)) return [];
    const at = this.#held.indexOf(close);
    const end = at < 0 ? this.#held.length - heldLength(this.#held, close) : at;
    const text = at < 0 ? this.#held.slice(0, end) : this.#held.slice(0, end).trimEnd();
    this.#held = this.#held.slice(at < 0 ? end : end + close.length);
    this.#isAtBegin = at >= 0 || (this.#isAtBegin && text === '');
    if (at >= 0) this.#place = 'behind';
    return part('reasoning', text);
  }

  #readText(): ThoughtPart[] {
    const text = this.#isAtBegin ? this.#held.trimStart() : this.#held;
    this.#held = '';
    this.#isAtBegin &&= text === '';
    return part('text', text);
  }
}

function part(type: ThoughtPart['type'], text: string): ThoughtPart[] {
  return text === '' ? [] : [{ type, text }];
}

/** Of the end: space, which the closing mark may follow, and the begin of that mark. */
function heldLength(text: string, mark: string): number {
  let begun = Math.min(text.length, mark.length - 1);
  while (!text.endsWith(mark.slice(0, begun))) begun--;
  return text.length - text.slice(0, text.length - begun).trimEnd().length;
}
