/**
 * One answer of a chat as it grows: its text, and the calls of functions in it.
 */
import { randomUUID } from 'node:crypto';
import type { GenerateEvent } from '../engine/generation.js';
import type { ToolCall } from './tool-formats.js';
import { ToolReader } from './tool-reader.js';
import type { ToolUse } from './tools.js';

export type AnsweredCall = ToolCall & { readonly index: number; readonly id: string };
export type AnswerPart =
  { readonly type: 'text'; readonly text: string } | { readonly type: 'call'; readonly call: AnsweredCall };

/** Mistral's templates take no other length. */
const ID_CHARS = 9;

export class Answer {
  readonly #use: ToolUse | undefined;
  readonly #reader: ToolReader | undefined;
  text = '';
  readonly calls: AnsweredCall[] = [];

  constructor(use: ToolUse | undefined) {
    this.#use = use;
    this.#reader = use && new ToolReader(use.format, use.names);
  }

  /** @returns what the event makes certain */
  take(event: GenerateEvent): AnswerPart[] {
    if (event.type === 'prefill') return [];
    if (event.type === 'done') return this.#keep(this.#reader?.end() ?? []);
    const text = (this.#use?.marks.get(event.id) ?? '') + event.text;
    return this.#keep(this.#reader?.push(text) ?? (text === '' ? [] : [{ type: 'text', text }]));
  }

  #keep(parts: ReturnType<ToolReader['push']>): AnswerPart[] {
    return parts.map((part) => {
      if (part.type === 'text') this.text += part.text;
      return part.type === 'text' ? part : { type: 'call', call: this.#keepCall(part.call) };
    });
  }

  #keepCall(call: ToolCall): AnsweredCall {
    const id = randomUUID().replaceAll('-', '').slice(0, ID_CHARS);
    const kept = { ...call, index: this.calls.length, id };
    this.calls.push(kept);
    return kept;
  }
}
