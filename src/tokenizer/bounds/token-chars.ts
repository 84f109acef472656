/**
 * The most characters of a prompt that one token can stand for, read from tokenizer.json. Together with a model's
 * context it bounds a prompt's text before any of it is tokenized. Undefined wherever a tokenizer may drop characters,
 * or make one token of any number of them: then nothing can be told from a text's length. Pure.
 */
import { partsOf } from '../files/tokenizer-json.js';
import type { ComponentJson, TokenizerJson } from '../files/tokenizer-json.js';

/** NFC makes one character of at most four. */
const COMPOSED = 4;
/** Parts that keep all characters, by what they can shrink a text to. */
const NORMALIZERS: Readonly<Record<string, number>> = {
  Prepend: 1,
  NFD: 1,
  NFKD: 1,
  NFC: COMPOSED,
  NFKC: COMPOSED,
};
const PRE_TOKENIZERS: ReadonlySet<string> = new Set(['ByteLevel', 'Metaspace', 'Digits']);

export function maxTokenChars({
  normalizer,
  pre_tokenizer,
  model,
  added_tokens,
}: TokenizerJson): number | undefined {
  const shrink = product(partsOf(normalizer, 'normalizers').map(shrinkOf));
  const keeps = partsOf(pre_tokenizer, 'pretokenizers').every(keepsAll);
  // Unigram always makes one token of unknown characters that follow each other; BPE may.
  const canFuse = model.type === 'Unigram' || model['fuse_unk'] === true;
  if (shrink === undefined || !keeps || (canFuse && model['byte_fallback'] !== true)) return undefined;
  // White space beside an added token may belong to it.
  if (added_tokens.some((token) => token.lstrip || token.rstrip)) return undefined;
  const tokens = model.type === 'Unigram' ? model.vocab.map(([token]) => token) : Object.keys(model.vocab);
  const longest = [...tokens, ...added_tokens.map(({ content }) => content)];
  return shrink * longest.reduce((most, token) => Math.max(most, token.length), 1);
}

function product(factors: readonly (number | undefined)[]): number | undefined {
  return factors.reduce((all, one) => (all === undefined || one === undefined ? undefined : all * one), 1);
}

/** Undefined where characters may go. */
function shrinkOf(part: ComponentJson): number | undefined {
  if (part.type !== 'Replace')
    return Object.hasOwn(NORMALIZERS, part.type) ? NORMALIZERS[part.type] : undefined;
  const { String: from } = (part['pattern'] ?? {}) as { readonly String?: unknown };
  const to = part['content'];
  return typeof from === 'string' && typeof to === 'string' && to.length >= from.length ? 1 : undefined;
}

function keepsAll(part: ComponentJson): boolean {
  if (part.type === 'Split') return part['behavior'] !== 'Removed';
  return PRE_TOKENIZERS.has(part.type);
}
