/**
 * One answer of a chat as it grows: its text, and the calls of functions in it.
 */
import { randomUUID } from 'node:crypto';
import type { GenerateEvent, GenerationResult } from '../../engine/output/generation.js';
import { type ReadPart, ToolReader } from '../tools/tool-reader.js';
import type { ToolUse } from './tools.js';

/** `text` is the arguments, as the model wrote them: JSON, unless it was cut off or wrote something else. */
export type AnsweredCall = {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly text: string;
};
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  /** A call begins, as yet without arguments. */
  | { readonly type: 'call'; readonly call: AnsweredCall }
  | { readonly type: 'arguments'; readonly index: number; readonly text: string };

/** Mistral's templates take no other length. */
const ID_CHARS = 9;

export class Answer {
  readonly #reader: ToolReader | undefined;
  readonly #eosIds: readonly number[];
  text = '';
  readonly calls: AnsweredCall[] = [];

  /** @param eosIds by which the model ends an answer itself */
  constructor(use: ToolUse | undefined, eosIds: readonly number[]) {
    this.#eosIds = eosIds;
    this.#reader = use && new ToolReader(use.format, use.names, use.form);
  }

  /** True where the answer has come to its end in the middle of a call. */
  get isCut(): boolean {
    return this.#reader?.isInArguments === true;
  }

  /** @returns what the event makes certain */
  take(event: GenerateEvent): AnswerPart[] {
    if (event.type === 'prefill') return [];
    if (event.type === 'done') return this.#keep(this.#reader?.end(this.#isCutOff(event.result)) ?? []);
    const { text } = event;
    return this.#keep(this.#reader?.push(text) ?? (text === '' ? [] : [{ type: 'text', text }]));
  }

  /** By its limit, or by a stop string. */
  #isCutOff({ finishReason, tokenIds }: GenerationResult): boolean {
    return finishReason === 'length' || !this.#eosIds.includes(tokenIds.at(-1) ?? -1);
  }

  #keep(parts: readonly ReadPart[]): AnswerPart[] {
    return parts.map((part) => {
      if (part.type === 'call') return this.#begin(part.name);
      if (part.type === 'arguments') return this.#goOn(part.text);
      this.text += part.text;
      return part;
    });
  }

  #begin(name: string): AnswerPart {
    const id = randomUUID().replaceAll('-', '').slice(0, ID_CHARS);
    const call = { index: this.calls.length, id, name, text: '' };
    this.calls.push(call);
    return { type: 'call', call };
  }

  #goOn(text: string): AnswerPart {
    const call = this.calls.pop() as AnsweredCall;
    this.calls.push({ ...call, text: call.text + text });
    return { type: 'arguments', index: call.index, text };
  }
}
