/**
 * What tools mean for an answer: what the template is given, what the answer is held to, and how calls are told from
 * text. Knows no API's words but the names of its parameters, for messages.
 */
import type { Grammar } from '../../grammar/grammar.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type AskedGrammar, bad } from '../requests/refusal.js';
import { callsGrammar, freeOrCalls, parametersGrammar } from './formats/call-grammar.js';
import { formatOf, GENERIC } from './formats/families.js';
import { specialMarks } from './formats/special-marks.js';
import { marksOf, type ToolFormat, type ToolFunction } from './formats/tool-format.js';
import type { KnownFunctions } from './calls/call-part.js';
import type { AnswerForm } from './tool-reader.js';

export type ToolUse = {
  readonly format: ToolFormat;
  /** As the client gave them. */
  readonly tools: readonly unknown[];
  /** What the chat template is given; undefined where it knows no tools. */
  readonly templateTools: readonly unknown[] | undefined;
  readonly functions: KnownFunctions;
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
  /** What the model puts before the text of an answer. */
  readonly textLead?: Grammar | undefined;
};

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param` */
export function toolUseOf(request: ToolRequest, tokenizer: Tokenizer): ToolUse {
  const { tools, functions, choice, textFormat } = request;
  const names = functions.map((one) => one.name);
  const twice = names.find((one, index) => names.indexOf(one) < index);
  if (twice !== undefined)
    throw bad(`tools has two functions of the name "${twice}"; name each once`, 'tools');
  const format = formatOf(tokenizer.toolTemplate ?? '') ?? GENERIC;
  return {
    ...{ format, tools, templateTools: format.isGeneric ? undefined : tools },
    functions: new Map(functions.map(({ name, parameters }) => [name, parameters])),
    marks: specialMarks(marksOf(format), tokenizer),
    asked: grammarFor(request, format, tokenizer),
    form: choice !== 'auto' ? 'calls' : textFormat ? 'either' : 'mixed',
  };
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
  const { functions, isMany, textFormat, textLead } = request;
  const isFree = isMany && !format.isGeneric && !functions.some(({ isStrict }) => isStrict);
  if (!textFormat && isFree) return undefined;
  const held = functions.map((one) => (one.isStrict ? one : { ...one, parameters: { type: 'object' } }));
  if (!textFormat) return asked(freeOrCalls(format, held, isMany, tokenizer, textLead), held);
  const calls = callsGrammar(format, held, isMany, tokenizer);
  const text: Grammar = { type: 'sequence', parts: [...(textLead ? [textLead] : []), textFormat.grammar] };
  return asked({ type: 'choice', options: [calls, text] }, held, textFormat);
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
