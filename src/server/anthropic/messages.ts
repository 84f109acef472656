/**
 * The messages of /v1/messages, made of blocks, as those of a chat: results of tools are messages of their own there, and thinking and
 * calls are fields.
 */
import type { Ignored } from '../parameters/read.js';
import { bad, unsupported } from '../requests/refusal.js';
import { MAX_MESSAGES } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';

type Block = Readonly<Record<string, unknown>>;
type ChatBody = Record<string, unknown>;
type Placed = { readonly block: Block; readonly type: string; readonly place: string };

/** What blocks may hold that counts here, by their type. */
const BLOCK_KEYS: Readonly<Record<string, readonly string[]>> = {
  text: ['text', 'citations'],
  tool_use: ['id', 'name', 'input', 'caller'],
  tool_result: ['tool_use_id', 'content', 'is_error'],
  thinking: ['thinking', 'signature'],
};
/** Thinking that nobody can read, and tools that run at Anthropic: what they found is in the text that follows. */
const UNREAD =
  /^(?:redacted_thinking|server_tool_use|mcp_tool_use|\w+_tool_result|container_upload|compaction)$/;

export class ChatMessages {
  readonly messages: ChatBody[] = [];
  /** By a chat's name of a place, the client's. */
  readonly names: Record<string, string> = {};
  readonly #ignored: Ignored;

  /** @param ignored takes the names of what says nothing to this model */
  constructor(ignored: Ignored) {
    this.#ignored = ignored;
  }

  /** True where the answer is to go on where the last message ends. */
  get endsInAnswer(): boolean {
    const last = this.messages.at(-1);
    return last?.['role'] === 'assistant' && last['tool_calls'] === undefined && last['content'] !== '';
  }

  /** @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
  addSystem(system: unknown, place = 'system'): void {
    const text = paragraphs(this.#blocksOf(system, place));
    if (text !== '') this.#push({ role: 'system', content: text }, place);
  }

  /** @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
  add(message: unknown, place: string): void {
    if (!isRecord(message)) throw bad(`${place} must be an object with role and content`, place);
    this.#ignored.addUnknown(message, ['role', 'content'], `${place}.`);
    const { role, content } = message;
    if (role === 'system') this.addSystem(content, `${place}.content`);
    else if (role === 'user') this.#addUser(this.#blocksOf(content, `${place}.content`), place);
    else if (role === 'assistant') this.#addAssistant(this.#blocksOf(content, `${place}.content`), place);
    else throw bad(`${place}.role must be user, assistant or system`, `${place}.role`);
  }

  /** Results of tools come before what the user says to them. */
  #addUser(blocks: readonly Placed[], place: string): void {
    const results = blocks.filter(({ type }) => type === 'tool_result');
    for (const result of results) this.#addResult(result);
    const said = blocks.filter(({ type }) => type !== 'tool_result');
    if (said.length > 0 || results.length === 0)
      this.#push({ role: 'user', content: paragraphs(said) }, place);
  }

  #addResult({ block, place }: Placed): void {
    const { tool_use_id: id, content, is_error: isError } = block;
    const text = paragraphs(this.#blocksOf(content ?? '', `${place}.content`));
    // Chats have no field for it, and the model has to know.
    this.#push(
      { role: 'tool', tool_call_id: id, content: isError === true ? `Error: ${text}` : text },
      place,
    );
    this.names[`${this.#last}.tool_call_id`] = `${place}.tool_use_id`;
  }

  #addAssistant(blocks: readonly Placed[], place: string): void {
    const said = blocks.filter(({ type }) => type === 'text');
    const thought = blocks.filter(({ type }) => type === 'thinking');
    const calls = blocks.filter(({ type }) => type === 'tool_use');
    const wrong = blocks.find(({ type }) => type === 'tool_result');
    if (wrong)
      throw bad(`${wrong.place} is a tool_result, which only messages of the user may have`, wrong.place);
    this.#push(
      {
        role: 'assistant',
        content: said.map(textOf).join(''),
        ...(thought.length > 0 && { reasoning_content: thought.map(thinkingOf).join('') }),
        ...(calls.length > 0 && { tool_calls: calls.map(callOf) }),
      },
      place,
    );
    for (const [index, call] of calls.entries()) {
      const chats = `${this.#last}.tool_calls.${index}`;
      this.names[chats] = call.place;
      this.names[`${chats}.function`] = call.place;
      this.names[`${chats}.function.arguments`] = `${call.place}.input`;
    }
  }

  get #last(): string {
    return `messages.${this.messages.length - 1}`;
  }

  #push(message: ChatBody, place: string): void {
    this.messages.push(message);
    this.names[this.#last] = place;
  }

  /** A text is one block. What is not read is left out, and its name told. @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
  #blocksOf(content: unknown, place: string): Placed[] {
    if (typeof content === 'string') return [{ block: { text: content }, type: 'text', place }];
    if (!Array.isArray(content) || content.length > MAX_MESSAGES)
      throw bad(`${place} must be a text, or a list of at most ${MAX_MESSAGES} blocks`, place);
    return content.flatMap((block: unknown, index) => this.#blockOf(block, `${place}.${index}`));
  }

  #blockOf(block: unknown, place: string): Placed[] {
    const { type } = isRecord(block) ? block : {};
    if (!isRecord(block) || typeof type !== 'string')
      throw bad(`${place} must be an object with a type`, place);
    const keys = Object.hasOwn(BLOCK_KEYS, type) ? BLOCK_KEYS[type] : undefined;
    if (keys) {
      this.#ignored.addUnknown(block, ['type', ...keys], `${place}.`);
      return [{ block, type, place }];
    }
    if (!UNREAD.test(type))
      throw unsupported(`${place}.type`, `"${type.slice(0, 40)}" is not supported: this model reads text`);
    this.#ignored.add(`${place}.${type}`);
    return [];
  }
}

/** Texts that stand side by side, as of several documents, do not run into each other. */
function paragraphs(blocks: readonly Placed[]): string {
  return blocks.map(textOf).join('\n');
}

function textOf({ block, type, place }: Placed): string {
  const { text } = block;
  if (type !== 'text')
    throw unsupported(`${place}.type`, `"${type}" can not stand here; send blocks of type text`);
  if (typeof text !== 'string') throw bad(`${place}.text must be a text`, `${place}.text`);
  return text;
}

function thinkingOf({ block, place }: Placed): string {
  const { thinking } = block;
  if (typeof thinking !== 'string') throw bad(`${place}.thinking must be a text`, `${place}.thinking`);
  return thinking;
}

function callOf({ block }: Placed): unknown {
  const { id, name, input } = block;
  return { id, type: 'function', function: { name, arguments: input ?? {} } };
}
