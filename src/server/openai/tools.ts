/**
 * `tools`, `tool_choice` and `parallel_tool_calls` of a chat, and the older `functions` and `function_call`.
 */
import { z } from 'zod';
import type { Grammar } from '../../grammar/grammar.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type Ignored, isNothing } from '../parameters/read.js';
import { type AskedGrammar, bad } from '../requests/refusal.js';
import { MAX_TOOLS } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { type ToolUse, toolUseOf } from '../tools/tool-use.js';

const name = z
  .string()
  .regex(/^[\w.:/@+-]{1,128}$/, 'must be of 1 to 128 letters, digits and characters out of _ - . : / @ +');
const toolSchema = z.object({
  type: z.literal('function'),
  function: z.object({
    name,
    description: z.string().nullish(),
    parameters: z.custom<Record<string, unknown>>(isRecord, 'must be a JSON schema').nullish(),
    strict: z.boolean().nullish(),
  }),
});
const FUNCTION_KEYS = ['name', 'description', 'parameters', 'strict'];

export const toolShape = {
  tools: z.array(toolSchema).max(MAX_TOOLS).optional(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().optional(),
};
type ToolParameters = z.output<z.ZodObject<typeof toolShape>>;

/**
 * A body with its tools in one spelling: the older `functions` and `function_call` are tools too, and fields of a tool that say
 * nothing to a model are left out.
 */
export function withTools(
  body: Readonly<Record<string, unknown>>,
  ignored: Ignored,
): Record<string, unknown> {
  const { functions, function_call: call, ...rest } = body;
  if (!isNothing(functions) && !Array.isArray(functions))
    throw bad('functions must be a list of functions', 'functions');
  const older = Array.isArray(functions)
    ? functions.map((one: unknown) => ({ type: 'function', function: one }))
    : [];
  const given = Array.isArray(rest['tools']) ? (rest['tools'] as unknown[]) : [];
  const tools = [...given, ...older].map((tool, index) => plainTool(tool, `tools.${index}.`, ignored));
  return {
    ...rest,
    ...(tools.length > 0 && { tools }),
    ...(!isNothing(call) && isNothing(rest['tool_choice']) && { tool_choice: call }),
  };
}

function plainTool(tool: unknown, path: string, ignored: Ignored): unknown {
  if (!isRecord(tool)) return tool;
  const kept = ignored.keepKnown(tool, ['type', 'function'], path);
  const { function: one } = kept;
  if (!isRecord(one)) return kept;
  return { ...kept, function: ignored.keepKnown(one, FUNCTION_KEYS, `${path}function.`) };
}

type Choice = 'none' | 'auto' | 'required' | { readonly name: string };

/** All the forms that clients give it. @throws BAD_INPUT with the field `param` */
function readChoice(given: unknown): Choice {
  if (given === undefined || given === 'auto' || given === 'none' || given === 'required')
    return given ?? 'auto';
  if (given === 'any') return 'required';
  if (isRecord(given)) {
    const { type, mode, name: called, function: one } = given;
    const wanted = isRecord(one) ? one['name'] : called;
    if (typeof wanted === 'string') return { name: wanted };
    // Which of the tools are allowed is looked at by allowedNames.
    if (type === 'allowed_tools') return readChoice(isRecord(given[type]) ? given[type]['mode'] : mode);
    if (type === 'auto' || type === 'any' || type === 'none' || type === 'required') return readChoice(type);
  }
  const message =
    'tool_choice must be none, auto, required (or any), an object that names a function, or one of type allowed_tools';
  throw bad(message, 'tool_choice');
}

/** @returns undefined where all of them are */
function allowedNames(given: unknown): readonly unknown[] | undefined {
  if (!isRecord(given) || given['type'] !== 'allowed_tools') return undefined;
  const { tools } = isRecord(given['allowed_tools']) ? given['allowed_tools'] : given;
  if (!Array.isArray(tools)) throw bad('tool_choice.tools must be a list of tools', 'tool_choice');
  return tools.map((tool: unknown) => {
    if (!isRecord(tool)) return tool;
    return isRecord(tool['function']) ? tool['function']['name'] : tool['name'];
  });
}

/**
 * @param textFormat what text is held to, where an answer is text and no call
 * @param textLead what the model puts before the text of an answer
 * @returns undefined where no function may be called
 * @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param`
 */
export function readTools(
  given: ToolParameters,
  textFormat: AskedGrammar | undefined,
  tokenizer: Tokenizer,
  textLead?: Grammar,
): ToolUse | undefined {
  const { tools: all = [], tool_choice: asked, parallel_tool_calls: isMany = true } = given;
  const choice = readChoice(asked);
  const allowed = allowedNames(asked);
  const tools = all.filter((tool) => allowed?.includes(tool.function.name) ?? true);
  if (tools.length === 0 && choice !== 'none' && choice !== 'auto')
    throw bad('tool_choice asks for a call, and there are no tools; give tools', 'tool_choice');
  if (tools.length === 0 || choice === 'none') return undefined;
  const functions = tools.map(({ function: one }) => ({
    name: one.name,
    parameters: one.parameters ?? { type: 'object' },
    isStrict: one.strict === true,
    isLoose: one.strict === false,
  }));
  return toolUseOf({ tools, functions, choice, isMany, textFormat, textLead }, tokenizer);
}
