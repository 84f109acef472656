/**
 * What tools mean for an answer: what the template is given, what the answer is held to, and how calls are told from
 * text. Knows no API's words but the names of its parameters, for messages.
 */
import type { Grammar } from '../../grammar/grammar.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type AskedGrammar, bad, unsupported } from '../requests/refusal.js';
import {
  callsGrammar,
  formatOf,
  freeOrCalls,
  parametersGrammar,
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
  readonly asked: AskedGrammar | undefined;
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
  readonly textFormat: AskedGrammar | undefined;
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
    asked: grammarFor(request, format, tokenizer),
    form: choice !== 'auto' ? 'calls' : textFormat ? 'either' : 'mixed',
  };
}

function markOf(mark: string | undefined, tokenizer: Tokenizer): [number, string][] {
  const id = mark === undefined ? undefined : specialId(mark, tokenizer);
  return id === undefined || mark === undefined ? [] : [[id, mark]];
}

/** Held to schemas are calls that must come, and those of functions that are strict. */
function grammarFor(
  request: ToolRequest,
  format: ToolFormat,
  tokenizer: Tokenizer,
): AskedGrammar | undefined {
  const { functions, choice, isMany } = request;
  if (choice === 'auto') return grammarForAuto(request, format, tokenizer);
  const wanted = typeof choice === 'object' ? choice.name : undefined;
  const chosen = functions.filter((one) => wanted === undefined || one.name === wanted);
  if (chosen.length === 0)
    throw bad(`tool_choice names "${wanted}", which is none of the tools; name one of them`, 'tool_choice');
  return asked(callsGrammar(format, chosen, isMany && wanted === undefined, tokenizer), chosen);
}

function grammarForAuto(
  request: ToolRequest,
  format: ToolFormat,
  tokenizer: Tokenizer,
): AskedGrammar | undefined {
  const { functions, isMany, textFormat } = request;
  if (!textFormat && isMany && !functions.some(({ isStrict }) => isStrict)) return undefined;
  const held = functions.map((one) => (one.isStrict ? one : { ...one, parameters: { type: 'object' } }));
  if (!textFormat) return asked(freeOrCalls(format, held, isMany, tokenizer), held);
  const calls = callsGrammar(format, held, isMany, tokenizer);
  return asked({ type: 'choice', options: [calls, textFormat.grammar] }, held, textFormat);
}

/** Each schema alone first, so that the message names the function whose schema is wrong. */
function asked(
  grammar: Grammar,
  functions: readonly ToolFunction[],
  textFormat?: AskedGrammar,
): AskedGrammar {
  const parts = functions.map((one) => ({
    grammar: parametersGrammar(one),
    param: `tools.${one.name}.parameters`,
  }));
  return { grammar, param: 'tools', parts: textFormat ? [...parts, textFormat] : parts };
}
