/**
 * The merges of a tokenizer that has a score for each token instead: any two tokens that make a third may be joined, and
 * those that make a token of a higher score first. Pure.
 */
import { broken } from '../header/broken.js';

type Merge = { readonly left: string; readonly right: string; readonly made: Scored };

/** A token's id and score. */
export type Scored = { readonly id: number; readonly score: number };

/** Characters that are looked at for all pairs of all tokens: Gemma's 262,144 tokens need some 30 million. */
const MAX_STEPS = 500_000_000;

/**
 * @param tokens that a merge may make, and that it may be made of
 * @returns pairs, the first to be joined first
 * @throws BAD_CHECKPOINT where tokens are so long that to look for pairs would never end
 */
export function scoreMerges(tokens: ReadonlyMap<string, Scored>, path: string): [string, string][] {
  checkSteps(tokens, path);
  const merges: Merge[] = [];
  for (const [token, made] of tokens) {
    for (let at = 1; at < token.length; at++) {
      const left = token.slice(0, at);
      const right = token.slice(at);
      if (tokens.has(left) && tokens.has(right)) merges.push({ left, right, made });
    }
  }
  const idOf = (token: string): number => tokens.get(token)?.id ?? 0;
  // A higher score first, then the order of the tokens that are made, then of their parts.
  merges.sort((a, b) => b.made.score - a.made.score || a.made.id - b.made.id || idOf(a.left) - idOf(b.left));
  return merges.map(({ left, right }) => [left, right]);
}

function checkSteps(tokens: ReadonlyMap<string, Scored>, path: string): void {
  let steps = 0;
  for (const token of tokens.keys()) steps += token.length ** 2;
  if (steps <= MAX_STEPS) return;
  throw broken(path, `its tokens need ${steps} steps to find the merges of, the most is ${MAX_STEPS}`);
}
