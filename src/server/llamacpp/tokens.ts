/**
 * What llama.cpp's clients ask of the tokenizer and the chat template: /tokenize, /detokenize and /apply-template.
 */
import { z } from 'zod';
import type { ServerContext } from '../http/context.js';
import { CHAT } from '../openai/chat.js';
import { checkedFields, objectBody } from '../parameters/body.js';
import { pieceBytes, textOfIds } from '../prompts/pieces.js';
import { unsupported } from '../requests/refusal.js';

const tokenizeSchema = z.object({
  content: z.string().default(''),
  /** With what the tokenizer puts before and behind a text. */
  add_special: z.boolean().default(false),
  parse_special: z.boolean().default(true),
  with_pieces: z.boolean().default(false),
});
/** Their text is made in one go, in some 50 ms. */
const MAX_DETOKENIZED = 131_072;
const detokenizeSchema = z.object({
  tokens: z.array(z.number().int().min(0).max(0x7fff_ffff)).max(MAX_DETOKENIZED).default([]),
});

export async function tokenize(
  body: unknown,
  { engine }: ServerContext,
  signal: AbortSignal,
): Promise<unknown> {
  const given = checkedFields(tokenizeSchema, objectBody(body));
  if (!given.parse_special)
    throw unsupported('parse_special', 'can not be false here: special tokens in a text are read as such');
  const { content: text, add_special: isFramed } = given;
  const ids = await engine.preparation.promptIds({ kind: 'text', text, isPart: !isFramed }, signal);
  const { tokenizer } = engine.model;
  if (!given.with_pieces) return { tokens: [...ids] };
  return { tokens: Array.from(ids, (id) => ({ id, piece: pieceOf(pieceBytes(id, tokenizer)) })) };
}

/** A text, or its bytes where they are only a part of a character. */
function pieceOf(bytes: Uint8Array): string | number[] {
  const text = Buffer.from(bytes).toString();
  return Buffer.from(text).equals(bytes) ? text : [...bytes];
}

export async function detokenize(body: unknown, { engine }: ServerContext): Promise<unknown> {
  const { tokens } = checkedFields(detokenizeSchema, objectBody(body));
  return { content: textOfIds(tokens, engine.model.tokenizer) };
}

/** The prompt of a chat, as its tokens read. */
export async function applyTemplate(
  body: unknown,
  { engine }: ServerContext,
  signal: AbortSignal,
): Promise<unknown> {
  const { prompts } = await CHAT.parse(body, engine, signal);
  return { prompt: textOfIds(prompts[0] ?? [], engine.model.tokenizer) };
}
