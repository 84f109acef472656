/**
 * POST /api/chat: Ollama's chat. Its body is put into OpenAI's words and read as that API's is.
 */
import type { Dialect } from '../answers/dialect.js';
import { parseTranslated } from '../answers/translated.js';
import { CHAT } from '../openai/chat.js';
import { isNothing } from '../parameters/read.js';
import { bad } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { answerOf, callsOf, endFields, envelope } from './answer-fields.js';
import { jsonLines, type LineForm } from './json-lines.js';
import { openaiMessages } from './messages.js';
import { translated } from './options.js';

const LINES: LineForm = {
  text: (content) => ({ message: { role: 'assistant', content } }),
  thinking: (thinking) => ({ message: { role: 'assistant', content: '', thinking } }),
  calls: (calls) => ({ message: { role: 'assistant', content: '', tool_calls: calls } }),
};

export const OLLAMA_CHAT: Dialect = {
  idPrefix: 'ollama-',
  parse: async (body, engine, signal) => {
    if (!isRecord(body)) throw bad('the body is not a JSON object; send one');
    const { body: words, names, ignored } = translated(body);
    const asked = { ...words, messages: openaiMessages(words['messages']) };
    const parsed = await parseTranslated(CHAT, asked, names, engine, signal);
    return { ...parsed, ignored: [...ignored, ...(parsed.ignored ?? [])] };
  },
  atOnce: (body, engine) => loadDocument(body, 'messages', engine, LINES.text('')),
  whole: (run) => {
    const answer = answerOf(run);
    const { text: content, reasoning: thinking, calls, result } = answer;
    const made = callsOf(calls);
    return {
      ...envelope(run),
      message: {
        role: 'assistant',
        content,
        ...(thinking !== '' && { thinking }),
        ...(made.length > 0 && { tool_calls: made }),
      },
      ...(result && endFields(result)),
    };
  },
  stream: (run) => jsonLines(run, LINES),
};

/**
 * Clients ask without a prompt to have a model loaded, or, with keep_alive 0, to have it gone: it is there, and stays.
 * @returns undefined for a body with a prompt
 */
export function loadDocument(body: unknown, field: string, { model }: ServedEngine, said: object): unknown {
  if (!isRecord(body)) return undefined;
  const { [field]: prompt, model: name, keep_alive: keepAlive } = body;
  if (!isNothing(prompt) && prompt !== '') return undefined;
  return {
    model: typeof name === 'string' ? name : model.name,
    created_at: new Date().toISOString(),
    ...said,
    done: true,
    done_reason: keepAlive === 0 ? 'unload' : 'load',
  };
}
