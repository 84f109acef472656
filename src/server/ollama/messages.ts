/**
 * Ollama's messages in the form of OpenAI's: calls of tools get ids, and their results the ids of the calls they belong to.
 */
import { isNothing } from '../parameters/read.js';
import { isRecord } from '../tools/json/json.js';

/** Of open calls: as many as an answer may have. */
const MAX_LOOKED_AT = 128;

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with them is told by who reads them. */
export function openaiMessages(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages;
  const calls = new OpenCalls();
  return messages.map((message: unknown) => (isRecord(message) ? calls.take(message) : message));
}

/** Calls that have no result yet, in their order. */
class OpenCalls {
  readonly #open: { readonly id: string; readonly name: unknown }[] = [];
  #count = 0;

  take(message: Fields): Fields {
    const { tool_calls: calls, tool_name: toolName, ...rest } = message;
    if (rest['role'] === 'tool') return { ...rest, tool_call_id: this.#idFor(message) };
    if (!Array.isArray(calls) || calls.length === 0) return { content: '', ...rest };
    return { content: '', ...rest, tool_calls: calls.map((call: unknown) => this.#callOf(call)) };
  }

  #callOf(call: unknown): unknown {
    if (!isRecord(call) || !isRecord(call['function'])) return call;
    const { name, arguments: given = {} } = call['function'];
    const id = typeof call['id'] === 'string' ? call['id'] : `call_${this.#count}`;
    this.#count++;
    this.#open.push({ id, name });
    return { id, type: 'function', function: { name, arguments: given } };
  }

  /** By its id, else the oldest open call of that name, else the oldest. */
  #idFor({ tool_call_id: id, tool_name: name, name: older }: Fields): unknown {
    const named = name ?? older;
    const isIts = (call: { readonly id: string; readonly name: unknown }): boolean =>
      isNothing(id) ? isNothing(named) || call.name === named : call.id === id;
    const at = Math.max(0, this.#open.slice(0, MAX_LOOKED_AT).findIndex(isIts));
    const [call] = this.#open.splice(at, 1);
    return isNothing(id) ? call?.id : id;
  }
}
