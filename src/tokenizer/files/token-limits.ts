/**
 * How long tokens may be. The tokenizers library builds a tree with a node for every character of added tokens and of
 * Unigram vocabularies, some 140 bytes each: one token of 30 MB took 4.2 GB (measured).
 */
import type { TokenizerJson } from './tokenizer-json.js';

/** The longest in use are runs of 128 spaces or line ends. */
export const MAX_TOKEN_CHARS = 4096;
/** Gemma 3 has 6,400, the most in common use. */
export const MAX_ADDED_TOKENS = 65_536;
/** Of all added tokens, and of a Unigram vocabulary, together: 250,000 tokens of many languages have 1.5 million. */
export const MAX_TREE_CHARS = 8_000_000;

/** @returns what is too much, with value and bound; undefined where nothing is */
export function excessOf({ added_tokens: added, model }: TokenizerJson): string | undefined {
  if (added.length > MAX_ADDED_TOKENS)
    return `has ${added.length} added tokens, the most is ${MAX_ADDED_TOKENS}`;
  const addedChars = longestAndTotal(added.map(({ content }) => content));
  const isBpe = model.type === 'BPE';
  const vocabulary = longestAndTotal(isBpe ? Object.keys(model.vocab) : model.vocab.map(([token]) => token));
  const longest = Math.max(addedChars.longest, vocabulary.longest);
  if (longest > MAX_TOKEN_CHARS)
    return `has a token of ${longest} characters, the most is ${MAX_TOKEN_CHARS}`;
  const tree = addedChars.total + (isBpe ? 0 : vocabulary.total);
  if (tree <= MAX_TREE_CHARS) return undefined;
  return `has ${tree} characters of tokens to look for in texts, the most is ${MAX_TREE_CHARS}`;
}

function longestAndTotal(tokens: readonly string[]): { longest: number; total: number } {
  let longest = 0;
  let total = 0;
  for (const { length } of tokens) {
    longest = Math.max(longest, length);
    total += length;
  }
  return { longest, total };
}
