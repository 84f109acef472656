/**
 * Tools of /v1/messages, and which of them may be called, as those of a chat. Tools that run at Anthropic are ignored by name.
 */
import type { Ignored } from '../parameters/read.js';
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

const TOOL_KEYS = ['type', 'name', 'description', 'input_schema', 'strict'];

export type ChatTools = {
  readonly tools: readonly unknown[];
  /** By a chat's name of a place, the client's. */
  readonly names: Readonly<Record<string, string>>;
};

/** @throws BAD_INPUT */
export function toolsOf(given: unknown, ignored: Ignored): ChatTools {
  if (!Array.isArray(given)) throw bad('tools must be a list of tools', 'tools');
  const tools: unknown[] = [];
  const names: Record<string, string> = {};
  for (const [index, tool] of (given as readonly unknown[]).entries()) {
    const place = `tools.${index}`;
    if (!isRecord(tool)) throw bad(`${place} must be an object`, place);
    const { type = 'custom' } = tool;
    if (type !== 'custom') {
      ignored.add(`${place}.${String(type).slice(0, 40)}`);
      continue;
    }
    const chats = `tools.${tools.length}`;
    Object.assign(names, { [chats]: place, [`${chats}.function`]: place });
    names[`${chats}.function.parameters`] = `${place}.input_schema`;
    const {
      name,
      description,
      input_schema: parameters,
      strict,
    } = ignored.keepKnown(tool, TOOL_KEYS, `${place}.`);
    tools.push({ type: 'function', function: { name, description, parameters, strict } });
  }
  return { tools, names };
}

/** `tool_choice`, which also says whether an answer may have several calls. @throws BAD_INPUT */
export function toolChoiceOf(given: unknown): object {
  if (given === undefined) return {};
  if (!isRecord(given))
    throw bad('tool_choice must be an object with a type: auto, any, tool or none', 'tool_choice');
  const { type, name, disable_parallel_tool_use: isOne } = given;
  return {
    tool_choice: type === 'tool' ? { type: 'function', name } : { type },
    ...(isOne === true && { parallel_tool_calls: false }),
  };
}
