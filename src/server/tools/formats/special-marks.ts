/**
 * Marks that are special tokens, which have no text of their own.
 */
import type { Grammar } from '../../../grammar/grammar.js';
import type { Tokenizer } from '../../../tokenizer/index.js';

/** The id of a mark that is a special token; undefined where it is text. */
export function specialId(mark: string, tokenizer: Tokenizer): number | undefined {
  const ids = tokenizer.encode(mark).filter((id) => tokenizer.nameOf(id) === mark);
  return ids.find((id) => tokenizer.bytesOf(id).length === 0);
}

/** Those of the marks that are special tokens, by id. */
export function specialMarks(marks: readonly string[], tokenizer: Tokenizer): Map<number, string> {
  const pairs = marks.flatMap((mark): [number, string][] => {
    const id = specialId(mark, tokenizer);
    return id === undefined ? [] : [[id, mark]];
  });
  return new Map(pairs);
}

/** A text in which these special tokens stand. */
export function written(text: string, specials: Iterable<string>): Grammar {
  const parts = splitAt(text, [...specials]).map(({ part, isSpecial }): Grammar =>
    isSpecial ? { type: 'special', name: part } : { type: 'text', text: part },
  );
  return parts.length === 1 ? (parts[0] as Grammar) : { type: 'sequence', parts };
}

function splitAt(text: string, marks: readonly string[]): { part: string; isSpecial: boolean }[] {
  const found = marks
    .map((mark) => ({ mark, at: text.indexOf(mark) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at)[0];
  if (!found) return text === '' ? [] : [{ part: text, isSpecial: false }];
  const before = found.at > 0 ? [{ part: text.slice(0, found.at), isSpecial: false }] : [];
  const rest = splitAt(text.slice(found.at + found.mark.length), marks);
  return [...before, { part: found.mark, isSpecial: true }, ...rest];
}
