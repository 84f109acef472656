/**
 * An answer as a row of blocks, in the order in which the model wrote them: thinking, text, and calls of functions. For dialects whose
 * answers are such rows; tells which of them begin, grow and end.
 */
import type { AnswerPart } from './parts.js';

export type AnswerBlock =
  | { readonly type: 'text' | 'reasoning'; readonly text: string }
  /** `text` is the arguments, as the model wrote them. */
  | { readonly type: 'call'; readonly id: string; readonly name: string; readonly text: string };

export type BlockStep = {
  readonly type: 'begin' | 'grow' | 'end';
  /** Which of the blocks, from 0 on. */
  readonly index: number;
  /** As it is now: without text as it begins, whole as it ends. */
  readonly block: AnswerBlock;
  /** What came to it. */
  readonly text: string;
};

export class Blocks {
  readonly all: AnswerBlock[] = [];
  #isOpen = false;

  add(part: AnswerPart): BlockStep[] {
    if (part.type === 'call') {
      const { id, name } = part.call;
      return this.#begin({ type: 'call', id, name, text: '' });
    }
    if (part.type === 'arguments') return this.#grow(part.text);
    const isSame = this.#isOpen && this.all.at(-1)?.type === part.type;
    const begun = isSame ? [] : this.#begin({ type: part.type, text: '' });
    return [...begun, ...this.#grow(part.text)];
  }

  /** No more comes. */
  end(): BlockStep[] {
    if (!this.#isOpen) return [];
    this.#isOpen = false;
    return this.#step('end');
  }

  #begin(block: AnswerBlock): BlockStep[] {
    const ended = this.end();
    this.all.push(block);
    this.#isOpen = true;
    return [...ended, ...this.#step('begin')];
  }

  #grow(text: string): BlockStep[] {
    if (text === '') return [];
    const block = this.all.pop();
    if (!block) return [];
    this.all.push({ ...block, text: block.text + text });
    return this.#step('grow', text);
  }

  #step(type: BlockStep['type'], text = ''): BlockStep[] {
    const block = this.all.at(-1);
    return block ? [{ type, index: this.all.length - 1, block, text }] : [];
  }
}
