/**
 * Tools for a model whose template knows none: what they are is said in the first message, and earlier calls and their
 * results become text. The answer's calls are held to a grammar.
 */
import type { ChatMessage, Tokenizer } from '../../tokenizer/index.js';
import { formatOf } from './formats/families.js';
import { isRecord } from './json/json.js';
import type { ToolUse } from './tool-use.js';

/** What the chat template is given of a chat. @param use undefined where no function may be called */
export function toldMessages(
  messages: readonly ChatMessage[],
  use: ToolUse | undefined,
  { toolTemplate = '' }: Tokenizer,
): readonly ChatMessage[] {
  const isKnown = use ? use.format.isGeneric !== true : formatOf(toolTemplate) !== undefined;
  return isKnown ? messages : genericMessages(messages, use?.tools);
}

/** The messages, with nothing in them that the template would leave out. */
export function genericMessages(
  messages: readonly ChatMessage[],
  tools: readonly unknown[] = [],
): ChatMessage[] {
  const plain = joined(messages.map(plainMessage));
  const [first, ...rest] = plain;
  if (tools.length === 0 || !first) return plain;
  const system = introduction(tools);
  // Some templates know no system message: what is said to the user reaches every model.
  const content = first.content === null || first.content === '' ? system : `${system}\n\n${first.content}`;
  return [{ ...first, content }, ...rest];
}

function introduction(tools: readonly unknown[]): string {
  const list = tools.map((tool) => JSON.stringify(isRecord(tool) ? (tool['function'] ?? tool) : tool));
  return [
    'You can call these functions, each described in JSON:',
    ...list,
    'To call one, write its name and its arguments as JSON between the marks, and nothing else:',
    '<tool_call>',
    '{"name": "NAME", "arguments": {}}',
    '</tool_call>',
    'Results come between <tool_response> and </tool_response>. Answer in plain text where no call is needed.',
  ].join('\n');
}

function plainMessage(message: ChatMessage): ChatMessage {
  const { role, content, tool_calls: calls } = message;
  if (role === 'tool')
    return { role: 'user', content: `<tool_response>\n${content ?? ''}\n</tool_response>` };
  if (calls === undefined) return message;
  const { tool_calls: _, ...rest } = message;
  const written = calls.map((call) => {
    const { name, arguments: given } = (call as { readonly function: Record<string, unknown> }).function;
    return `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`;
  });
  return {
    ...rest,
    content: [...(content === null || content === '' ? [] : [content]), ...written].join('\n'),
  };
}

/** Results of several calls are one message, since templates want roles to alternate. */
function joined(messages: readonly ChatMessage[]): ChatMessage[] {
  const all: ChatMessage[] = [];
  for (const message of messages) {
    const last = all.at(-1);
    const isResult = message.role === 'user' && message.content?.startsWith('<tool_response>') === true;
    if (isResult && last?.role === 'user' && last.content?.endsWith('</tool_response>') === true)
      all[all.length - 1] = { ...last, content: `${last.content}\n${message.content}` };
    else all.push(message);
  }
  return all;
}
