/**
 * What tools mean for an answer: what the template is given, what the answer is held to, and how calls are told from
 * text. Knows no API's words but the names of its parameters, for messages.
 */
import type { Grammar } from '../../grammar/grammar.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { bad, requireUsable, unsupported } from '../requests/refusal.js';
import {
  callsGrammar,
  formatOf,
  freeOrCalls,
  specialId,
  type ToolFormat,
  type ToolFunction,
} from './tool-formats.js';
import type { AnswerForm } from './tool-reader.js';

export type ToolUse = {
  readonly format: ToolFormat;
  /** As the chat template takes them. */
  readonly tools: readonly unknown[];
  readonly names: readonly string[];
  readonly grammar: Grammar | undefined;
  readonly form: AnswerForm;
  /** Special tokens that stand for marks, which would not show in the text. */
  readonly marks: ReadonlyMap<number, string>;
};

/** What a client says about its tools. */
type ToolRequest = {
  /** As the chat template takes them: objects of OpenAI's API. */
  readonly tools: readonly unknown[];
  /** The same, in the same order. */
  readonly functions: readonly ToolFunction[];
  /** The model decides, some function must be called, or the one of this name. */
  readonly choice: 'auto' | 'required' | { readonly name: string };
  /** One answer may have several calls. */
  readonly isMany: boolean;
  /** What text is held to, where an answer is text and no call. */
  readonly textFormat: Grammar | undefined;
};

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param` */
export function toolUseOf(request: ToolRequest, tokenizer: Tokenizer): ToolUse {
  const { tools, functions, choice, textFormat } = request;
  const names = functions.map((one) => one.name);
  const twice = names.find((one, index) => names.indexOf(one) < index);
  if (twice !== undefined)
    throw bad(`tools has two functions of the name "${twice}"; name each once`, 'tools');
  const format = formatOf(tokenizer.toolTemplate ?? '');
  if (!format) throw unsupported('tools', 'is not supported by this model: its chat template knows no tools');
  return {
    ...{ format, tools, names },
    marks: new Map([format.open, format.close].flatMap((mark) => markOf(mark, tokenizer))),
    grammar: grammarFor(request, format, tokenizer),
    form: choice !== 'auto' ? 'calls' : textFormat ? 'either' : 'mixed',
  };
}

function markOf(mark: string | undefined, tokenizer: Tokenizer): [number, string][] {
  const id = mark === undefined ? undefined : specialId(mark, tokenizer);
  return id === undefined || mark === undefined ? [] : [[id, mark]];
}

/** Held to schemas are calls that must come, and those of functions that are strict. */
function grammarFor(request: ToolRequest, format: ToolFormat, tokenizer: Tokenizer): Grammar | undefined {
  const { functions, choice, isMany } = request;
  if (choice === 'auto') return grammarForAuto(request, format, tokenizer);
  const wanted = typeof choice === 'object' ? choice.name : undefined;
  const chosen = functions.filter((one) => wanted === undefined || one.name === wanted);
  if (chosen.length === 0)
    throw bad(`tool_choice names "${wanted}", which is none of the tools; name one of them`, 'tool_choice');
  return usable(callsGrammar(format, chosen, isMany && wanted === undefined, tokenizer), chosen);
}

function grammarForAuto(request: ToolRequest, format: ToolFormat, tokenizer: Tokenizer): Grammar | undefined {
  const { functions, isMany, textFormat } = request;
  if (!textFormat && isMany && !functions.some(({ isStrict }) => isStrict)) return undefined;
  const held = functions.map((one) => (one.isStrict ? one : { ...one, parameters: { type: 'object' } }));
  if (!textFormat) return usable(freeOrCalls(format, held, isMany, tokenizer), held);
  const calls = callsGrammar(format, held, isMany, tokenizer);
  return usable({ type: 'choice', options: [calls, textFormat] }, held);
}

/** Each schema alone first, so that the message names the function whose schema is wrong. */
function usable(grammar: Grammar, functions: readonly ToolFunction[]): Grammar {
  for (const one of functions)
    requireUsable({ type: 'json', schema: one.parameters }, `tools.${one.name}.parameters`);
  requireUsable(grammar, 'tools');
  return grammar;
}
