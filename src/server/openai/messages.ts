/**
 * The messages of a chat, checked one by one so that an error names the place of the wrong value.
 */
import type { ChatMessage } from '../../tokenizer/index.js';
import { requireSmallJson } from '../http/json-scan.js';
import { Ignored, isNothing } from '../parameters/read.js';
import { bad, unsupported } from '../requests/refusal.js';
import { MAX_MESSAGES } from '../requests/settings.js';
import { isRecord, parsedJson } from '../tools/json/json.js';

/** 'developer' is the newer name of 'system'; templates know the older one. */
const ROLES: Readonly<Record<string, string>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};
/** What clients call the thinking that came with an answer; templates know the first. */
const REASONING_KEYS = ['reasoning_content', 'reasoning', 'thinking'] as const;
/** By role, what a message may hold beside role, content and name. `parsed` is the content as the client's library has parsed it. */
const MORE_KEYS: Readonly<Record<string, readonly string[]>> = {
  assistant: ['tool_calls', 'parsed', ...REASONING_KEYS],
  tool: ['tool_call_id'],
};
const KEYS = ['role', 'content', 'name'];
const MAX_CALLS = 128;

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER with the field `param` */
export function readMessages(value: unknown, ignored = new Ignored()): ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0)
    throw bad('messages must be a list of at least one message', 'messages');
  if (value.length > MAX_MESSAGES)
    throw bad(
      `messages has ${value.length} messages, above the limit of ${MAX_MESSAGES}; send fewer`,
      'messages',
    );
  const messages = value.map((message: unknown, index) => readMessage(message, `messages.${index}`, ignored));
  requireEarlierCalls(messages);
  return withNames(messages);
}

/** Templates that write a result's function want its name, which its call has. */
function withNames(messages: readonly ChatMessage[]): ChatMessage[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    for (const call of message.tool_calls ?? []) {
      const { id, function: called } = call as { readonly id: string; readonly function: { name: string } };
      names.set(id, called.name);
    }
    const name = message.tool_call_id === undefined ? undefined : names.get(message.tool_call_id);
    return name === undefined || message.name !== undefined ? message : { ...message, name };
  });
}

/** The result of a tool must come after its call: templates drop results without one, or mix them up. */
function requireEarlierCalls(messages: readonly ChatMessage[]): void {
  const made = new Set<unknown>();
  for (const [index, { tool_calls: calls = [], tool_call_id: id }] of messages.entries()) {
    if (id !== undefined && !made.has(id)) {
      const path = `messages.${index}.tool_call_id`;
      throw bad(
        `${path} "${id.slice(0, 40)}" belongs to no tool call of an earlier message; send the message with that call too`,
        path,
      );
    }
    for (const call of calls) made.add((call as { id: string }).id);
  }
}

function readMessage(value: unknown, path: string, ignored: Ignored): ChatMessage {
  if (!isRecord(value)) throw bad(`${path} must be an object with role and content`, path);
  const role = roleOf(value['role'], `${path}.role`);
  // Clients send answers back as they got them, with fields that say nothing to a model.
  ignored.addUnknown(value, [...KEYS, ...(MORE_KEYS[role] ?? [])], `${path}.`);
  requireReadable(value, path);
  const { name } = value;
  if (name !== undefined && (typeof name !== 'string' || name.length > 256))
    throw bad(`${path}.name must be a string of at most 256 characters`, `${path}.name`);
  const calls = isNothing(value['tool_calls'] ?? null)
    ? undefined
    : readCalls(value['tool_calls'], `${path}.tool_calls`);
  // An answer that is a call may have no text.
  const content =
    calls && isNothing(value['content'] ?? null) ? '' : readContent(value['content'], `${path}.content`);
  return {
    role,
    content,
    ...(name !== undefined && { name }),
    ...(calls && { tool_calls: calls }),
    ...(role === 'assistant' && reasoningOf(value)),
    ...(role === 'tool' && { tool_call_id: readText(value['tool_call_id'], `${path}.tool_call_id`) }),
  };
}

/** Whether a template shows thinking of earlier answers is its own matter. */
function reasoningOf(value: Readonly<Record<string, unknown>>): Pick<ChatMessage, 'reasoning_content'> {
  const said = REASONING_KEYS.map((key) => value[key]).find((one) => typeof one === 'string' && one !== '');
  return typeof said === 'string' ? { reasoning_content: said } : {};
}

/** What a message brings that would have to be read, and is not. @throws UNSUPPORTED_PARAMETER */
function requireReadable(value: Readonly<Record<string, unknown>>, path: string): void {
  const medium = ['images', 'audio', 'video'].find(
    (key) => !isNothing(value[key]) && !isReference(value[key]),
  );
  if (medium !== undefined) throw unsupported(`${path}.${medium}`, 'is not supported: this model reads text');
}

/** An answer that was spoken is sent back with its id alone; its text is in the content. */
function isReference(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).every((key) => key === 'id');
}

function roleOf(value: unknown, path: string): string {
  const role = typeof value === 'string' && Object.hasOwn(ROLES, value) ? ROLES[value] : undefined;
  if (role !== undefined) return role;
  throw bad(`${path} must be one of ${Object.keys(ROLES).join(', ')}`, path);
}

/** Calls of an earlier answer. Templates want their arguments as objects. */
function readCalls(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value) || value.length > MAX_CALLS)
    throw bad(`${path} must be a list of at most ${MAX_CALLS} calls`, path);
  return value.map((call: unknown, index) => {
    const place = `${path}.${index}`;
    const { id, type, function: called } = isRecord(call) ? call : {};
    if ((type ?? 'function') !== 'function' || !isRecord(called))
      throw bad(`${place} must be a call of type function`, place);
    const name = readText(called['name'], `${place}.function.name`);
    const asObject = { name, arguments: argumentsOf(called['arguments'], place) };
    return { id: readText(id, `${place}.id`), type: 'function', function: asObject };
  });
}

/** A call that was cut off, or written badly, is shown to the template as the text it is. */
function argumentsOf(value: unknown, place: string): unknown {
  if (isRecord(value)) return value;
  const given = readText(value, `${place}.function.arguments`);
  requireSmallJson(given, `${place}.function.arguments`);
  const parsed = given.trim() === '' ? {} : parsedJson(given);
  return isRecord(parsed) ? parsed : given;
}

function readText(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw bad(`${path} must be a string`, path);
}

/** A string, or parts that are all text. */
function readContent(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length > MAX_MESSAGES)
    throw bad(`${path} must be a string, or a list of at most ${MAX_MESSAGES} text parts`, path);
  return value.map((part: unknown, index) => readPart(part, `${path}.${index}`)).join('');
}

function readPart(part: unknown, path: string): string {
  if (!isRecord(part) || typeof part['type'] !== 'string')
    throw bad(`${path} must be an object with a type`, path);
  if (part['type'] !== 'text') {
    const why = `"${part['type'].slice(0, 40)}" is not supported: this model reads text; send parts of type text`;
    throw unsupported(`${path}.type`, why);
  }
  if (typeof part['text'] !== 'string') throw bad(`${path}.text must be a string`, `${path}.text`);
  return part['text'];
}
