/**
 * The items of a conversation, as /v1/responses has them, as messages of a chat. Items of one turn of the model (thinking, text, calls)
 * become one message, as templates want it.
 */
import type { Ignored } from '../parameters/read.js';
import { bad, unsupported } from '../requests/refusal.js';
import { MAX_MESSAGES } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { unseal } from './sealed.js';

/** An item, and where the client wrote it. */
export type PlacedItem = { readonly item: unknown; readonly place: string };
type ChatBody = Record<string, unknown>;
type Turn = { content: string; reasoning_content?: string; tool_calls?: unknown[] };

const TEXT_PARTS: readonly unknown[] = [
  'input_text',
  'output_text',
  'text',
  'summary_text',
  'reasoning_text',
];
/** Calls and results of tools that run at OpenAI: what they found is in the text that follows. */
const HOSTED_ITEM =
  /^(?:web_search|file_search|computer|code_interpreter|image_generation|local_shell|shell|mcp|apply_patch|tool_search|custom_tool)_/;

/** @throws BAD_INPUT */
export function itemsOf(input: unknown): readonly unknown[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }];
  if (!Array.isArray(input)) throw bad('input must be a text, or a list of items', 'input');
  if (input.length > MAX_MESSAGES)
    throw bad(`input has ${input.length} items, above the limit of ${MAX_MESSAGES}; send fewer`, 'input');
  return input;
}

export class MessageList {
  readonly messages: ChatBody[] = [];
  /** By a chat's name of a place, the client's. */
  readonly names: Record<string, string> = {};
  readonly #ignored: Ignored;
  #turn: Turn | undefined;

  /** @param ignored takes the names of items that say nothing to this model */
  constructor(ignored: Ignored) {
    this.#ignored = ignored;
  }

  /** System texts that stand first are one message, since many templates know no more. */
  addSystem(text: string, place: string): void {
    const [first] = this.messages;
    if (this.messages.length === 1 && first?.['role'] === 'system')
      first['content'] = `${String(first['content'])}\n\n${text}`;
    else this.#push({ role: 'system', content: text }, place);
  }

  /** @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
  add({ item, place }: PlacedItem): void {
    if (!isRecord(item)) throw bad(`${place} must be an object`, place);
    const { type = 'message' } = item;
    switch (type) {
      case 'message':
        return this.#addMessage(item, place);
      case 'function_call':
        return this.#addCall(item, place);
      case 'function_call_output':
        return this.#addOutput(item, place);
      case 'reasoning':
        return this.#addReasoning(item, place);
      default:
        if (typeof type !== 'string' || !HOSTED_ITEM.test(type))
          throw unsupported(`${place}.type`, 'is of no kind that is known here; leave the item out');
        this.#ignored.add(`${place}.${type.slice(0, 40)}`);
    }
  }

  #addMessage(item: ChatBody, place: string): void {
    const { role, content } = item;
    const text = textOf(content, `${place}.content`);
    if (role === 'system' || role === 'developer') this.addSystem(text, place);
    else if (role === 'assistant')
      this.#turnFor(place, ({ content: said, tool_calls: calls }) => said === '' && !calls).content = text;
    // A role of another kind is refused where chats are read.
    else this.#push({ role, content: text }, place);
  }

  #addReasoning(item: ChatBody, place: string): void {
    const turn = this.#turnFor(place, ({ content, tool_calls: calls }) => content === '' && !calls);
    const { content, summary, encrypted_content: sealed } = item;
    const said = [content, summary].map((parts, index) =>
      textOf(parts ?? [], `${place}.${index === 0 ? 'content' : 'summary'}`),
    );
    turn.reasoning_content = `${turn.reasoning_content ?? ''}${said.find((text) => text !== '') ?? unseal(sealed) ?? ''}`;
  }

  #addCall(item: ChatBody, place: string): void {
    const { call_id: id, name, arguments: given } = item;
    const turn = this.#turnFor(place, () => true);
    turn.tool_calls ??= [];
    const chats = `messages.${this.messages.length - 1}.tool_calls.${turn.tool_calls.length}`;
    this.names[chats] = place;
    this.names[`${chats}.id`] = `${place}.call_id`;
    this.names[`${chats}.function`] = place;
    turn.tool_calls.push({ id, type: 'function', function: { name, arguments: given } });
  }

  #addOutput(item: ChatBody, place: string): void {
    const { call_id: id, output } = item;
    this.#push({ role: 'tool', tool_call_id: id, content: textOf(output, `${place}.output`) }, place);
    this.names[`messages.${this.messages.length - 1}.tool_call_id`] = `${place}.call_id`;
  }

  /** The model's turn that is under way where it has room for what comes, else a new one. */
  #turnFor(place: string, hasRoom: (turn: Turn) => boolean): Turn {
    if (this.#turn && hasRoom(this.#turn)) return this.#turn;
    const turn = { role: 'assistant', content: '' };
    this.#push(turn, place);
    this.#turn = turn;
    return turn;
  }

  #push(message: ChatBody, place: string): void {
    this.#turn = undefined;
    this.names[`messages.${this.messages.length}`] = place;
    this.messages.push(message);
  }
}

/** A text, or parts that are all text. @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
function textOf(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length > MAX_MESSAGES)
    throw bad(`${place} must be a text, or a list of at most ${MAX_MESSAGES} parts`, place);
  return value.map((part: unknown, index) => partText(part, `${place}.${index}`)).join('');
}

function partText(part: unknown, place: string): string {
  const { type, text, refusal } = isRecord(part) ? part : {};
  if (type === 'refusal' && typeof refusal === 'string') return refusal;
  if (typeof type === 'string' && !TEXT_PARTS.includes(type))
    throw unsupported(`${place}.type`, `"${type.slice(0, 40)}" is not supported: this model reads text`);
  if (typeof text !== 'string') throw bad(`${place}.text must be a text`, `${place}.text`);
  return text;
}
