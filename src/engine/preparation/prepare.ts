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

/** A prompt's ids, which the caller owns, or what of a grammar's loose schemas is not held. */
export type Prepared = { readonly ids: Int32Array<ArrayBuffer>; readonly loosened: readonly string[] };

/** @throws BAD_INPUT, with the field `budget` where larger limits might do; PROMPT_TOO_LONG */
export function prepare(
  task: PreparationTask,
  { tokenizer, contextTokens }: PreparationModel,
  limits: PreparationLimits,
): Prepared {
  switch (task.kind) {
    case 'text':
      return ofPrompt(tokenizer.encode(task.text, contextTokens, task.isPart));
    case 'chat': {
      const { tools, template: { name: template, ...choice } = {} } = task;
      const options = { limits: limits.template, tools, template, ...choice };
      return ofPrompt(tokenizer.applyChat(task.messages, options, contextTokens));
    }
    case 'grammar':
      return { ids: new Int32Array(), loosened: checkGrammars(task.grammars, limits.grammar) };
  }
}

function ofPrompt(ids: readonly number[]): Prepared {
  return { ids: Int32Array.from(ids), loosened: [] };
}
