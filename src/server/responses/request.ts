/**
 * What a body of POST /v1/responses means: it is put into the words of a chat, which reads it, with what was said before.
 */
import { parseTranslated } from '../answers/translated.js';
import { CHAT } from '../openai/chat.js';
import { Ignored, isNothing } from '../parameters/read.js';
import { bad, unsupported } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import type { ResponsesRequest } from './asked.js';
import { SEALED } from './items.js';
import { itemsOf, MessageList, type PlacedItem } from './input.js';
import { Recall } from './recall.js';
import type { ResponseStore } from './store.js';
import { toolChoiceOf, toolsOf } from './tools.js';

type Body = Readonly<Record<string, unknown>>;

/** Fields that are read here; all others are a chat's. */
const OWN = [
  ...['input', 'instructions', 'previous_response_id', 'store', 'background', 'metadata', 'include'],
  ...['text', 'reasoning', 'tools', 'tool_choice', 'top_logprobs', 'conversation', 'messages', 'n'],
];
/** What a chat calls otherwise. */
const NAMES = {
  max_tokens: 'max_output_tokens',
  verbosity: 'text.verbosity',
  response_format: 'text.format',
  'response_format.json_schema': 'text.format',
  reasoning_effort: 'reasoning.effort',
  thinking_budget: 'reasoning.max_tokens',
  messages: 'input',
};
const LOGPROBS = 'message.output_text.logprobs';

/** @throws as Dialect.parse, and NOT_FOUND for what is not in the store */
export async function parseResponses(
  given: unknown,
  store: ResponseStore,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ResponsesRequest> {
  const body = bodyOf(given);
  const ignored = new Ignored();
  const input = body['input'] === undefined ? [] : itemsOf(body['input']);
  const previousId = idOf(body['previous_response_id']);
  const recall = new Recall(store);
  const list = messagesOf(body, [...said(previousId, recall), ...placed(input, recall)], ignored);
  const { tools, names } = toolsOf(body['tools'] ?? [], ignored);
  const chat = {
    ...Object.fromEntries(Object.entries(body).filter(([name]) => !OWN.includes(name))),
    ...{ messages: list.messages, tools, tool_choice: toolChoiceOf(body['tool_choice'], ignored) },
    ...{ ...textOf(body['text'], ignored), ...reasoningOf(body['reasoning'], ignored) },
    ...logprobsOf(body, ignored),
  };
  const parsed = await parseTranslated(CHAT, chat, { ...NAMES, ...list.names, ...names }, engine, signal);
  return {
    ...parsed,
    ...{ body, input, previousId, createdS: Math.floor(Date.now() / 1000) },
    ignored: [...ignored.names, ...(parsed.ignored ?? [])],
    isStored: body['store'] !== false,
    isBackground: body['background'] === true,
  };
}

/** Null counts as absent. @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
function bodyOf(given: unknown): Body {
  if (!isRecord(given)) throw bad('the body is not a JSON object; send one');
  const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  if (body['conversation'] !== undefined)
    throw unsupported('conversation', 'is not supported here; use previous_response_id');
  if (!isNothing(body['n']) && body['n'] !== 1 && body['n'] !== 0) throw unsupported('n');
  for (const name of ['store', 'background'])
    if (!['undefined', 'boolean'].includes(typeof body[name]))
      throw bad(`${name} must be true or false`, name);
  if (body['background'] === true && body['store'] === false)
    throw bad('background needs store: the answer is asked for later; leave store out', 'background');
  if (body['metadata'] !== undefined && !isRecord(body['metadata']))
    throw bad('metadata must be an object', 'metadata');
  return body;
}

function idOf(given: unknown): string | undefined {
  if (given === undefined || typeof given === 'string') return given;
  throw bad('previous_response_id must be a text', 'previous_response_id');
}

function said(previousId: string | undefined, recall: Recall): PlacedItem[] {
  const place = 'previous_response_id';
  return previousId === undefined ? [] : recall.conversation(previousId).map((item) => ({ item, place }));
}

/** With items that are named by their id alone looked up. */
function placed(input: readonly unknown[], recall: Recall): PlacedItem[] {
  return input.map((item, index) => {
    const place = `input.${index}`;
    const isReference = isRecord(item) && item['type'] === 'item_reference';
    return { item: isReference ? recall.item(item['id'], `${place}.id`) : item, place };
  });
}

function messagesOf(body: Body, items: readonly PlacedItem[], ignored: Ignored): MessageList {
  const list = new MessageList(ignored);
  const { instructions, messages } = body;
  if (instructions !== undefined && typeof instructions !== 'string')
    throw bad('instructions must be a text', 'instructions');
  if (!isNothing(messages)) ignored.add('messages');
  if (instructions) list.addSystem(instructions, 'instructions');
  for (const item of items) list.add(item);
  return list;
}

/** `text`: the form of the answer, and how long it shall be. */
function textOf(text: unknown, ignored: Ignored): object {
  if (text === undefined) return {};
  if (!isRecord(text)) throw bad('text must be an object', 'text');
  const { format, verbosity } = ignored.keepKnown(text, ['format', 'verbosity'], 'text.');
  return { verbosity, response_format: isRecord(format) ? formatOf(format) : format };
}

/** Chats have the parts of a schema in an object of its own. */
function formatOf(format: Body): unknown {
  const { type, json_schema: inner, ...flat } = format;
  return type === 'json_schema' ? { type, json_schema: inner ?? flat } : format;
}

function reasoningOf(reasoning: unknown, ignored: Ignored): object {
  if (reasoning === undefined) return {};
  if (!isRecord(reasoning)) throw bad('reasoning must be an object', 'reasoning');
  const known = ['effort', 'max_tokens', 'summary', 'generate_summary'];
  const { effort, max_tokens: budget } = ignored.keepKnown(reasoning, known, 'reasoning.');
  return {
    thinking_budget: budget,
    reasoning_effort: effort,
    ...(effort === 'none' && { enable_thinking: false }),
  };
}

/** Asked for by `include`, or by how many. */
function logprobsOf({ include, top_logprobs: top }: Body, ignored: Ignored): object {
  const wanted: readonly unknown[] = Array.isArray(include) ? include : [];
  for (const name of wanted)
    if (name !== LOGPROBS && name !== SEALED) ignored.add(`include.${String(name).slice(0, 60)}`);
  if (!wanted.includes(LOGPROBS) && (top === undefined || top === 0)) return {};
  return { logprobs: true, top_logprobs: top };
}
