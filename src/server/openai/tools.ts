/**
 * `tools`, `tool_choice` and `parallel_tool_calls` of a chat.
 */
import { z } from 'zod';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type AskedGrammar, bad } from '../requests/refusal.js';
import { MAX_TOOLS } from '../requests/settings.js';
import { isRecord } from '../tools/json.js';
import { type ToolUse, toolUseOf } from '../tools/tool-use.js';

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
type ToolParameters = z.output<z.ZodObject<typeof toolShape>>;

/**
 * @param textFormat what text is held to, where an answer is text and no call
 * @returns undefined where no function may be called
 * @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param`
 */
export function readTools(
  given: ToolParameters,
  textFormat: AskedGrammar | undefined,
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
  const wanted = typeof choice === 'object' ? choice.function : choice;
  return toolUseOf({ tools, functions, choice: wanted, isMany, textFormat }, tokenizer);
}
