/**
 * `logit_bias` as llama.cpp takes it: pairs or a record, of token ids or texts, with false for "never".
 */
import { asKvrError } from '../../core/errors.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

/** What forbids a token, as far as numbers go here. */
const NEVER = -100;
/** Of a text that stands for its tokens. */
const MAX_TEXT_TOKENS = 64;
const MAX_BIASES = 1024;

/** @returns bias by token id; each token of a text gets the text's. @throws BAD_INPUT */
export function tokenBiases(value: unknown, tokenizer: Tokenizer): Record<string, unknown> {
  const pairs = isRecord(value) ? Object.entries(value) : value;
  const isPairs = Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2);
  if (!isPairs || pairs.length > MAX_BIASES)
    throw bad(
      `logit_bias must be at most ${MAX_BIASES} pairs of a token, or a text, and a number`,
      'logit_bias',
    );
  const biases: Record<string, unknown> = {};
  for (const [token, bias] of pairs as readonly (readonly [unknown, unknown])[])
    for (const id of idsOf(token, tokenizer)) biases[String(id)] = bias === false ? NEVER : bias;
  return biases;
}

function idsOf(token: unknown, tokenizer: Tokenizer): readonly (number | string)[] {
  if (typeof token === 'number') return [token];
  if (typeof token !== 'string')
    throw bad('logit_bias names a token that is no id and no text', 'logit_bias');
  return /^\d{1,10}$/.test(token) ? [token] : tokensOf(token, tokenizer);
}

function tokensOf(text: string, tokenizer: Tokenizer): readonly number[] {
  try {
    return tokenizer.encode(text, MAX_TEXT_TOKENS, true);
  } catch (error) {
    if (asKvrError(error).code !== 'PROMPT_TOO_LONG') throw error;
    throw bad(`logit_bias has a text of more than ${MAX_TEXT_TOKENS} tokens; shorten it`, 'logit_bias');
  }
}
