/**
 * Tools of /v1/responses as those of a chat. Functions are the caller's; tools that run at OpenAI are ignored by name.
 */
import type { Ignored } from '../parameters/read.js';
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

export type ChatTools = {
  readonly tools: readonly unknown[];
  /** By a chat's name of a place, the client's. */
  readonly names: Readonly<Record<string, string>>;
};

const FUNCTION_KEYS = ['type', 'name', 'description', 'parameters', 'strict', 'function'];

/** @throws BAD_INPUT */
export function toolsOf(given: unknown, ignored: Ignored): ChatTools {
  if (!Array.isArray(given)) throw bad('tools must be a list of tools', 'tools');
  const tools: unknown[] = [];
  const names: Record<string, string> = {};
  for (const [index, tool] of (given as readonly unknown[]).entries()) {
    const place = `tools.${index}`;
    const { type } = isRecord(tool) ? tool : {};
    if (!isRecord(tool) || typeof type !== 'string')
      throw bad(`${place} must be an object with a type`, place);
    if (type !== 'function') {
      ignored.add(`${place}.${type.slice(0, 40)}`);
      continue;
    }
    names[`tools.${tools.length}`] = place;
    // As chats have it, the function is an object of its own.
    const { type: _, function: one, ...flat } = ignored.keepKnown(tool, FUNCTION_KEYS, `${place}.`);
    if (!isRecord(one)) names[`tools.${tools.length}.function`] = place;
    tools.push({ type, function: one ?? flat });
  }
  return { tools, names };
}

/** Names what is asked for as chats do; a tool that is ignored can not be asked for. */
export function toolChoiceOf(given: unknown, ignored: Ignored): unknown {
  if (!isRecord(given)) return given;
  const { type, tools } = given;
  if (type === 'function') return given;
  if (type !== 'allowed_tools' || !Array.isArray(tools)) {
    ignored.add('tool_choice');
    return 'auto';
  }
  const functions = tools.filter((tool) => isRecord(tool) && tool['type'] === 'function');
  return { ...given, tools: functions };
}
