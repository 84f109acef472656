/**
 * The seam between an engine and whatever makes token ids of its prompts and checks its grammars: both are work that a
 * request brings, so both are bounded, and the larger ones may be done elsewhere than on the thread that serves all.
 * Kinds: inline-preparation.ts, thread-preparation.ts; held by preparation.test.ts.
 */
import type { Grammar } from '../../grammar/grammar.js';
import type { ChatMessage } from '../../tokenizer/index.js';
import type { TemplateChoice } from './template-choice.js';
import type { AcceptedGrammar } from './accepted-grammar.js';

/** A prompt as people write it. */
export type PromptText =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** The text is a part of a prompt: the tokenizer puts nothing around it. */
      readonly isPart?: boolean;
    }
  | {
      readonly kind: 'chat';
      readonly messages: readonly ChatMessage[];
      /** JSON schemas of functions, as the chat template takes them. */
      readonly tools?: readonly unknown[] | undefined;
      readonly template?: TemplateChoice | undefined;
    };

export interface RequestPreparation {
  /**
   * Token ids of a prompt, at most as many as the model's context has; the caller owns them.
   * @throws BAD_INPUT, PROMPT_TOO_LONG, BUSY where too much is being prepared, CANCELLED, CLOSED
   */
  promptIds(prompt: PromptText, signal?: AbortSignal): Promise<Int32Array>;
  /**
   * @param parts of the grammar that are checked before it, so that an error tells which is wrong: as its field `index`
   * @returns the grammar, known to be one that workers can follow
   * @throws BAD_INPUT, BUSY, CANCELLED, CLOSED
   */
  accept(grammar: Grammar, signal?: AbortSignal, parts?: readonly Grammar[]): Promise<AcceptedGrammar>;
  /** Starts what a first large request would otherwise wait for. */
  warm(): void;
  /** What runs fails with CLOSED; settles when nothing is left. Twice is harmless. */
  close(): Promise<void>;
}
