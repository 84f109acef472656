/**
 * The forms in which APIs take a prompt that is no chat: a text, token ids, both mixed, or a text in an object.
 */
import { asKvrError, KvrError } from '../../core/errors.js';
import type { ServedEngine } from '../requests/settings.js';
import { bad, unsupported } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

/** Of texts among token ids. */
const MAX_PARTS = 4096;

/** @param place of the value, for messages. @throws BAD_INPUT, PROMPT_TOO_LONG, UNSUPPORTED_PARAMETER, BUSY, CANCELLED */
export async function readPromptForm(
  value: unknown,
  place: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  const form = isRecord(value) ? textOf(value, place) : value;
  if (typeof form === 'string') return encoded(form, place, engine, signal);
  if (!Array.isArray(form) || form.length === 0)
    throw bad(`${place} must be a text or a list of token ids, and not empty`, place);
  if (form.every(isId)) return requireRoom(Int32Array.from(form), place, engine);
  return mixed(form, place, engine, signal);
}

/** As readPromptForm, but of a text that is longer than the context its begin, with what the tokenizer puts around it. */
export async function readCutForm(
  value: unknown,
  place: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  const idsOf = (form: unknown): Promise<Int32Array | undefined> =>
    readPromptForm(form, place, engine, signal).catch((error: unknown) => {
      if (typeof value === 'string' && asKvrError(error).code === 'PROMPT_TOO_LONG') return undefined;
      throw error;
    });
  const whole = await idsOf(value);
  if (whole || typeof value !== 'string') return whole ?? new Int32Array();
  const { tokenizer, shape } = engine.model;
  // More characters than so many tokens can stand for do not fit.
  const most = shape.contextTokens * (tokenizer.maxTokenChars ?? value.length);
  return longestBegin(value.slice(0, most), idsOf);
}

/** By halving, since how a text becomes tokens has no simpler order; off the thread that serves all, as every long text is. */
async function longestBegin(
  text: string,
  idsOf: (text: string) => Promise<Int32Array | undefined>,
): Promise<Int32Array> {
  let ids = new Int32Array() as Int32Array;
  let [fits, tooLong] = [0, text.length + 1];
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    const found = await idsOf(text.slice(0, middle));
    if (found) [ids, fits] = [found, middle];
    else tooLong = middle;
  }
  return ids;
}

/** Whether a list is one prompt, since it holds token ids, or a list of prompts. */
export function isOnePrompt(list: readonly unknown[]): boolean {
  return list.some((one) => typeof one === 'number');
}

async function encoded(
  text: string,
  place: string,
  { preparation }: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  const ids = await preparation.promptIds({ kind: 'text', text }, signal);
  if (ids.length > 0) return ids;
  throw bad(`${place} is empty; give at least one character`, place);
}

/** A first text gets what the tokenizer puts before and behind; those that follow are parts. */
async function mixed(
  parts: readonly unknown[],
  place: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  const texts = parts.filter((part) => typeof part === 'string').length;
  if (texts > MAX_PARTS) throw bad(`${place} has more than ${MAX_PARTS} texts; join them`, place);
  const ids: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (isId(part)) ids.push(part);
    else if (typeof part !== 'string') throw bad(`${place}.${index} must be a text or a token id`, place);
    else {
      const prompt = { kind: 'text', text: part, isPart: index > 0 } as const;
      for (const id of await engine.preparation.promptIds(prompt, signal)) ids.push(id);
      requireRoom(ids, place, engine);
    }
  }
  return requireRoom(Int32Array.from(ids), place, engine);
}

/** llama.cpp's { prompt_string } and { content: [text parts] }. */
function textOf(value: Readonly<Record<string, unknown>>, place: string): string {
  const { prompt_string: text, content, multimodal_data: media } = value;
  if (Array.isArray(media) && media.length > 0)
    throw unsupported(`${place}.multimodal_data`, 'is not supported: this model reads text');
  if (typeof text === 'string') return text;
  if (Array.isArray(content))
    return content.map((part: unknown) => partText(part, `${place}.content`)).join('');
  throw bad(`${place} must be a text, a list of token ids, or an object with prompt_string`, place);
}

function partText(part: unknown, place: string): string {
  if (isRecord(part) && part['type'] === 'text' && typeof part['text'] === 'string') return part['text'];
  throw bad(`${place} must be a list of parts of type text: this model reads text`, place);
}

function requireRoom<T extends { readonly length: number }>(
  ids: T,
  place: string,
  { model }: ServedEngine,
): T {
  const { contextTokens } = model.shape;
  if (ids.length <= contextTokens) return ids;
  const message = `${place} has ${ids.length} tokens, too large for the model's context of ${contextTokens}; shorten it`;
  throw new KvrError('PROMPT_TOO_LONG', message, { promptTokens: ids.length, contextTokens, param: place });
}

/** Vocabularies are far smaller; the engine tells of ids that are not in its own. */
function isId(id: unknown): id is number {
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < 2 ** 31;
}
