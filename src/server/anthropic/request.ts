/**
 * What a body of POST /v1/messages means: it is put into the words of a chat, which reads it.
 */
import type { ParsedRequest } from '../answers/parsed-request.js';
import { parseTranslated } from '../answers/translated.js';
import { CHAT } from '../openai/chat.js';
import { Ignored, isNothing } from '../parameters/read.js';
import { bad, unsupported } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { ChatMessages } from './messages.js';
import { toolChoiceOf, toolsOf } from './tools.js';

type Body = Readonly<Record<string, unknown>>;

/** Servers that run at Anthropic, and what messages have no place for. */
const UNTOLD = ['mcp_servers', 'container', 'logprobs', 'top_logprobs'];

/** Fields that are read here; all others are a chat's. */
const OWN = [
  ...['messages', 'system', 'tools', 'tool_choice', 'metadata', 'output_config', 'output_format', 'n'],
  ...UNTOLD,
];
/** What a chat calls otherwise. */
const NAMES = {
  stop: 'stop_sequences',
  response_format: 'output_config.format',
  'response_format.json_schema': 'output_config.format',
  reasoning_effort: 'output_config.effort',
};
const MAX_USER_CHARS = 256;

/** @throws as Dialect.parse */
export async function parseMessages(
  given: unknown,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  if (!isRecord(given)) throw bad('the body is not a JSON object; send one');
  const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  if (!isNothing(body['n']) && body['n'] !== 1) throw unsupported('n');
  const ignored = new Ignored();
  const list = messagesOf(body, ignored);
  const { tools, names } = toolsOf(body['tools'] ?? [], ignored);
  const chat = {
    ...Object.fromEntries(Object.entries(body).filter(([name]) => !OWN.includes(name))),
    ...{ messages: list.messages, tools, ...toolChoiceOf(body['tool_choice']) },
    ...{ ...outputOf(body, ignored), ...userOf(body['metadata'], ignored) },
    ...(list.endsInAnswer && { continue_final_message: true, add_generation_prompt: false }),
  };
  for (const name of UNTOLD) if (!isNothing(body[name])) ignored.add(name);
  const parsed = await parseTranslated(CHAT, chat, { ...NAMES, ...list.names, ...names }, engine, signal);
  return { ...parsed, ignored: [...ignored.names, ...(parsed.ignored ?? [])] };
}

function messagesOf({ system, messages }: Body, ignored: Ignored): ChatMessages {
  const list = new ChatMessages(ignored);
  if (system !== undefined) list.addSystem(system);
  if (!Array.isArray(messages) || messages.length === 0)
    throw bad('messages must be a list of at least one message', 'messages');
  for (const [index, message] of (messages as readonly unknown[]).entries())
    list.add(message, `messages.${index}`);
  return list;
}

/** `output_config`, and its older name: the form of the answer, and how much thought it takes. */
function outputOf(body: Body, ignored: Ignored): object {
  const { output_config: config = {}, output_format: older } = body;
  if (!isRecord(config)) throw bad('output_config must be an object', 'output_config');
  const { format = older, effort } = ignored.keepKnown(config, ['format', 'effort'], 'output_config.');
  return { ...(format !== undefined && { response_format: formatOf(format) }), reasoning_effort: effort };
}

/** Chats have the schema in an object of its own. */
function formatOf(format: unknown): unknown {
  if (!isRecord(format) || format['type'] !== 'json_schema') return format;
  return { type: 'json_schema', json_schema: { schema: format['schema'] } };
}

function userOf(metadata: unknown, ignored: Ignored): object {
  if (metadata === undefined) return {};
  if (!isRecord(metadata)) throw bad('metadata must be an object', 'metadata');
  const { user_id: user } = ignored.keepKnown(metadata, ['user_id'], 'metadata.');
  if (typeof user === 'string' && user.length <= MAX_USER_CHARS) return { user };
  if (!isNothing(user)) ignored.add('metadata.user_id');
  return {};
}
