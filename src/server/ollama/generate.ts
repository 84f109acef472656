/**
 * POST /api/generate: Ollama's completions. The prompt goes through the model's chat template unless it is raw, or a text that is
 * to be filled in.
 */
import { withoutDefaultLimit } from '../answers/default-limit.js';
import type { Dialect } from '../answers/dialect.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { parseTranslated } from '../answers/translated.js';
import { CHAT } from '../openai/chat.js';
import { PLAIN_COMPLETIONS } from '../openai/completions.js';
import { isNothing } from '../parameters/read.js';
import { fimPrompt } from '../prompts/fim-prompt.js';
import { bad, unsupported } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';
import { answerOf, endFields, envelope } from './answer-fields.js';
import { loadDocument } from './chat.js';
import { jsonLines, type LineForm } from './json-lines.js';
import { translated } from './options.js';

const LINES: LineForm = {
  text: (response) => ({ response }),
  thinking: (thinking) => ({ response: '', thinking }),
  calls: () => ({ response: '' }),
};

export const OLLAMA_GENERATE: Dialect = {
  idPrefix: 'ollama-',
  parse: parseGenerate,
  // A suffix alone is a text to fill in.
  atOnce: (body, engine) =>
    isRecord(body) && !isEmptyText(body['suffix'])
      ? undefined
      : loadDocument(body, 'prompt', engine, LINES.text('')),
  whole: (run) => {
    const { text: response, reasoning: thinking, result } = answerOf(run);
    const thought = thinking !== '' && { thinking };
    return { ...envelope(run), response, ...thought, ...(result && endFields(result)) };
  },
  stream: (run) => jsonLines(run, LINES),
};

type Fields = Readonly<Record<string, unknown>>;

/** @throws as Dialect.parse */
async function parseGenerate(
  body: unknown,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  if (!isRecord(body)) throw bad('the body is not a JSON object; send one');
  const { suffix, raw, system, template, context, images, ...fields } = body;
  requireDone({ template, context, images });
  const prompt = textOf(body['prompt'], 'prompt');
  const said = textOf(system, 'system');
  const isFilledIn = !isEmptyText(suffix);
  const isChat = !isFilledIn && raw !== true && engine.model.tokenizer.hasChatTemplate;
  if (said !== '' && !isChat)
    throw unsupported('system', 'needs the chat template; put it into the prompt, or leave it out');
  if (isFilledIn) return filledIn(fields, prompt, textOf(suffix, 'suffix'), engine, signal);
  return isChat ? chat(fields, prompt, said, engine, signal) : plain(fields, prompt, engine, signal);
}

/** @throws UNSUPPORTED_PARAMETER */
function requireDone(fields: Fields): void {
  const other = Object.keys(fields).find((name) => !isNothing(fields[name]) && fields[name] !== '');
  if (other !== undefined) throw unsupported(other);
}

function textOf(value: unknown, param: string): string {
  if (isNothing(value)) return '';
  if (typeof value === 'string') return value;
  throw bad(`${param} must be a string`, param);
}

function isEmptyText(value: unknown): boolean {
  return isNothing(value) || value === '';
}

function chat(
  fields: Fields,
  prompt: string,
  system: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  const { prompt: _, ...rest } = fields;
  const { body, names, ignored } = translated(rest);
  const user = { role: 'user', content: prompt };
  const messages = system === '' ? [user] : [{ role: 'system', content: system }, user];
  return withIgnored(parseTranslated(CHAT, { ...body, messages }, names, engine, signal), ignored);
}

async function plain(
  fields: Fields,
  prompt: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  const { body, names, ignored } = translated(fields);
  const parsing = parseTranslated(PLAIN_COMPLETIONS, { ...body, prompt }, names, engine, signal);
  return withoutDefaultLimit(await withIgnored(parsing, ignored), body);
}

async function filledIn(
  fields: Fields,
  prefix: string,
  suffix: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  const ids = await fimPrompt({ prefix, suffix }, 'suffix', engine, signal);
  // The text takes no part in the prompt any more.
  return { ...(await plain(fields, ' ', engine, signal)), prompts: [ids] };
}

async function withIgnored(
  parsing: Promise<ParsedRequest>,
  ignored: readonly string[],
): Promise<ParsedRequest> {
  const parsed = await parsing;
  return { ...parsed, ignored: [...ignored, ...(parsed.ignored ?? [])] };
}
