/**
 * The work itself, wherever it is done: a prompt's ids, or the check of a grammar.
 */
import { checkGrammars, type GrammarLimits } from '../../grammar/grammar.js';
import type { TemplateLimits, Tokenizer } from '../../tokenizer/index.js';
import type { PromptText } from './preparation.js';

export type PreparationTask =
  PromptText | { readonly kind: 'grammar'; readonly grammars: readonly unknown[] };

/** What a task is done with. */
export type PreparationModel = { readonly tokenizer: Tokenizer; readonly contextTokens: number };

export type PreparationLimits = { readonly template: TemplateLimits; readonly grammar: GrammarLimits };

/** @returns ids; none for a grammar. @throws BAD_INPUT, with the field `budget` where larger limits might do; PROMPT_TOO_LONG */
export function prepare(
  task: PreparationTask,
  { tokenizer, contextTokens }: PreparationModel,
  limits: PreparationLimits,
): Int32Array<ArrayBuffer> {
  switch (task.kind) {
    case 'text':
      return Int32Array.from(tokenizer.encode(task.text, contextTokens, task.isPart));
    case 'chat': {
      const { tools, template: { name: template, ...choice } = {} } = task;
      const options = { limits: limits.template, tools, template, ...choice };
      return Int32Array.from(tokenizer.applyChat(task.messages, options, contextTokens));
    }
    case 'grammar':
      checkGrammars(task.grammars, limits.grammar);
      return new Int32Array();
  }
}
