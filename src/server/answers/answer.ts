/**
 * One answer as it grows: its text, the calls of functions in it, and in the end what became of it.
 */
import { randomUUID } from 'node:crypto';
import type { TokenLogprobs } from '../../core/sampling.js';
import type { GenerateEvent, GenerationResult } from '../../engine/output/generation.js';
import type { PromptLogprobs } from '../../engine/output/prompt-logprobs.js';
import type { ThoughtPart } from '../reasoning/reasoning-reader.js';
import { type ReasoningFormat, thoughtReader } from '../reasoning/reasoning-format.js';
import { type ReadPart, ToolReader } from '../tools/tool-reader.js';
import type { ToolUse } from '../tools/tool-use.js';
import { type AnswerBlock, Blocks } from './blocks.js';
import type { AnsweredCall, AnswerPart } from './parts.js';

export type { AnswerPart } from './parts.js';

export type LogprobToken = { readonly id: number; readonly logprobs: TokenLogprobs };

/** Mistral's templates take no other length. */
const ID_CHARS = 9;

export class Answer {
  readonly #reader: ToolReader | undefined;
  readonly #thoughts: ReturnType<typeof thoughtReader> | undefined;
  readonly #eosIds: readonly number[];
  readonly #blocks = new Blocks();
  text = '';
  /** What the model thought before it answered. */
  reasoning = '';
  /** Tokens that are thinking, its marks, or the begin of what may become a mark. */
  #thoughtTokens = 0;
  readonly calls: AnsweredCall[] = [];
  /** Tokens with their probabilities; empty where those were not asked for. */
  readonly logprobs: LogprobToken[] = [];
  /** Of the prompt's tokens, where they were asked for. */
  promptLogprobs: PromptLogprobs | undefined;
  /** Share of the prompt phase that is done; undefined while queued. */
  fraction: number | undefined;
  /** The prompt phase is over: a token, or the end, has come. */
  hasBegun = false;
  result: GenerationResult | undefined;

  /**
   * @param eosIds by which the model ends an answer itself
   * @param thinking how thinking is marked, where the answer may hold any
   */
  constructor(
    use: ToolUse | undefined,
    eosIds: readonly number[],
    thinking?: { readonly format: ReasoningFormat; readonly isInside: boolean },
  ) {
    this.#thoughts = thinking && thoughtReader(thinking.format, thinking.isInside);
    this.#eosIds = eosIds;
    this.#reader = use && new ToolReader(use.format, use.functions, use.form);
  }

  /** True where the answer has come to its end in the middle of a call. */
  get isCut(): boolean {
    return this.#reader?.isInArguments === true;
  }

  /** All of it, in the order in which it came. */
  get blocks(): readonly AnswerBlock[] {
    return this.#blocks.all;
  }

  /** @returns what the event makes certain */
  take(event: GenerateEvent): AnswerPart[] {
    const parts = this.#partsOf(event);
    for (const part of parts) this.#blocks.add(part);
    return parts;
  }

  #partsOf(event: GenerateEvent): AnswerPart[] {
    if (event.type === 'prefill') {
      this.fraction = event.fraction;
      return [];
    }
    this.hasBegun = true;
    this.fraction = 1;
    if (event.type === 'done') return this.#end(event.result);
    if (event.type === 'promptLogprobs') {
      this.promptLogprobs = event.logprobs;
      return [];
    }
    const { id, text, logprobs } = event;
    if (logprobs) this.logprobs.push({ id, logprobs });
    if (this.#thoughts?.mayThink && !event.isRest) this.#thoughtTokens++;
    return this.#read(text);
  }

  /** Tokens of the thinking, its marks included. */
  get reasoningTokens(): number {
    return this.#thoughts?.hasThought ? this.#thoughtTokens : 0;
  }

  #end(result: GenerationResult): AnswerPart[] {
    this.result = result;
    const rest = this.#sort(this.#thoughts?.end() ?? []);
    return [...rest, ...this.#keep(this.#reader?.end(this.#isCutOff(result)) ?? [])];
  }

  #read(text: string): AnswerPart[] {
    if (this.#thoughts) return this.#sort(this.#thoughts.push(text));
    return this.#sort(text === '' ? [] : [{ type: 'text', text }]);
  }

  /** Calls stand in what is no thinking. */
  #sort(parts: readonly ThoughtPart[]): AnswerPart[] {
    return parts.flatMap(({ type, text }): AnswerPart[] => {
      if (type === 'text') return this.#keep(this.#reader?.push(text) ?? [{ type, text }]);
      this.reasoning += text;
      return [{ type, text }];
    });
  }

  /** By its limit, or by a stop string. */
  #isCutOff({ finishReason, tokenIds }: GenerationResult): boolean {
    return finishReason === 'length' || !this.#eosIds.includes(tokenIds.at(-1) ?? -1);
  }

  #keep(parts: readonly ReadPart[]): AnswerPart[] {
    return parts.map((part) => {
      if (part.type === 'call') return this.#beginCall(part.name);
      if (part.type === 'arguments') return this.#addArguments(part.text);
      this.text += part.text;
      return part;
    });
  }

  #beginCall(name: string): AnswerPart {
    const id = randomUUID().replaceAll('-', '').slice(0, ID_CHARS);
    const call = { index: this.calls.length, id, name, text: '' };
    this.calls.push(call);
    return { type: 'call', call };
  }

  #addArguments(text: string): AnswerPart {
    const call = this.calls.pop() as AnsweredCall;
    this.calls.push({ ...call, text: call.text + text });
    return { type: 'arguments', index: call.index, text };
  }
}
