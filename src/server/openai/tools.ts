/**
 * `tools`, `tool_choice` and `parallel_tool_calls` of a chat: what the template is given, what the answer is held to,
 * and how calls are told from text.
 */
import { z } from 'zod';
import type { Grammar } from '../../grammar/grammar.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { bad, isRecord, unsupported } from '../http/parameters.js';
import { requireUsable } from './response-format.js';
import { MAX_TOOLS } from '../requests/settings.js';
import {
  callsGrammar,
  formatOf,
  freeOrCalls,
  specialId,
  type ToolFormat,
  type ToolFunction,
} from '../tools/tool-formats.js';
import type { AnswerForm } from '../tools/tool-reader.js';

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

const name = z.string().regex(/^[\w.-]{1,64}$/, 'must be of 1 to 64 letters, digits, _, - and .');
const toolSchema = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name,
    description: z.string().nullish(),
    parameters: z.custom<Record<string, unknown>>(isRecord, 'must be a JSON schema').nullish(),
    strict: z.boolean().nullish(),
  }),
});
const namedSchema = z.strictObject({ type: z.literal('function'), function: z.strictObject({ name }) });

export const toolShape = {
  tools: z.array(toolSchema).max(MAX_TOOLS).optional(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), namedSchema]).optional(),
  parallel_tool_calls: z.boolean().optional(),
};
export type ToolParameters = z.output<z.ZodObject<typeof toolShape>>;

/**
 * @param textFormat that text is held to, where an answer is text and no call
 * @returns undefined where no function may be called
 * @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param`
 */
export function readTools(
  given: ToolParameters,
  textFormat: Grammar | undefined,
  tokenizer: Tokenizer,
): ToolUse | undefined {
  const { tools = [], tool_choice: choice = 'auto', parallel_tool_calls: isMany = true } = given;
  if (tools.length === 0 && choice !== 'none' && choice !== 'auto')
    throw bad('tool_choice asks for a call, and there are no tools; give tools', 'tool_choice');
  if (tools.length === 0 || choice === 'none') return undefined;
  const functions = tools.map(({ function: one }) => ({
    name: one.name,
    parameters: one.parameters ?? { type: 'object' },
    isStrict: one.strict === true,
  }));
  const names = functions.map((one) => one.name);
  const twice = names.find((one, index) => names.indexOf(one) < index);
  if (twice !== undefined)
    throw bad(`tools has two functions of the name "${twice}"; name each once`, 'tools');
  const format = formatOf(tokenizer.toolTemplate ?? '');
  if (!format) throw unsupported('tools', 'is not supported by this model: its chat template knows no tools');
  const marks = new Map([format.open, format.close].flatMap((mark) => markOf(mark, tokenizer)));
  const asked = { functions, choice, isMany, format, textFormat };
  return {
    ...{ format, tools, names, marks },
    grammar: grammarFor(asked, tokenizer),
    form: choice !== 'auto' ? 'calls' : textFormat ? 'either' : 'mixed',
  };
}

function markOf(mark: string | undefined, tokenizer: Tokenizer): [number, string][] {
  const id = mark === undefined ? undefined : specialId(mark, tokenizer);
  return id === undefined || mark === undefined ? [] : [[id, mark]];
}

type Asked = {
  readonly functions: readonly ToolFunction[];
  readonly choice: NonNullable<ToolParameters['tool_choice']>;
  readonly isMany: boolean;
  readonly format: ToolFormat;
  readonly textFormat: Grammar | undefined;
};

/** Held to schemas are calls that must come, and those of functions that are strict. */
function grammarFor(asked: Asked, tokenizer: Tokenizer): Grammar | undefined {
  const { functions, choice, isMany, format } = asked;
  if (choice === 'auto') return grammarForAuto(asked, tokenizer);
  const wanted = typeof choice === 'object' ? choice.function.name : undefined;
  const chosen = functions.filter((one) => wanted === undefined || one.name === wanted);
  if (chosen.length === 0)
    throw bad(`tool_choice names "${wanted}", which is none of the tools`, 'tool_choice');
  return usable(callsGrammar(format, chosen, isMany && wanted === undefined, tokenizer), chosen);
}

function grammarForAuto(asked: Asked, tokenizer: Tokenizer): Grammar | undefined {
  const { functions, isMany, format, textFormat } = asked;
  if (!textFormat && isMany && !functions.some(({ isStrict }) => isStrict)) return undefined;
  const held = functions.map((one) => (one.isStrict ? one : { ...one, parameters: { type: 'object' } }));
  if (!textFormat) return usable(freeOrCalls(format, held, isMany, tokenizer), held);
  const calls = callsGrammar(format, held, isMany, tokenizer);
  return usable({ type: 'choice', options: [calls, textFormat] }, held);
}

/** Each schema alone first, so that a fault is told with its function. */
function usable(grammar: Grammar, functions: readonly ToolFunction[]): Grammar {
  for (const one of functions)
    requireUsable({ type: 'json', schema: one.parameters }, `tools.${one.name}.parameters`);
  requireUsable(grammar, 'tools');
  return grammar;
}
