/**
 * Cuts a text at a pattern's matches and says what becomes of the matches themselves: the five behaviours that
 * tokenizer.json knows. Called by pre-tokenizer.
 */
import { spansOf } from './patterns.js';
import type { Span } from './patterns.js';

/** A stretch of text that is tokenized on its own. */
export type Piece = {
  readonly text: string;
  /** It begins where the whole prompt begins. */
  readonly atStart: boolean;
};

const BEHAVIORS = ['Isolated', 'Removed', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext'] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** @throws Error for a behaviour that nobody knows */
export function behaviorOf(name: unknown): Behavior {
  const known = BEHAVIORS.find((behavior) => behavior.toLowerCase() === String(name).toLowerCase());
  if (known === undefined) throw new Error(`a Split with the behavior ${String(name)}`);
  return known;
}

/** @param invert what does not match counts as the match */
export function splitPiece(piece: Piece, pattern: RegExp, behavior: Behavior, invert = false): Piece[] {
  const spans = spansOf(piece.text, pattern);
  if (spans.length === 1 && behavior !== 'Removed') return [piece];
  const inverted = invert ? spans.map((span) => ({ ...span, isMatch: !span.isMatch })) : spans;
  return arranged(inverted, behavior)
    .filter(({ start, end }) => start < end)
    .map(({ start, end }) => ({
      text: piece.text.slice(start, end),
      atStart: piece.atStart && start === 0,
    }));
}

function arranged(spans: readonly Span[], behavior: Behavior): readonly Span[] {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return spans.filter(({ isMatch }) => !isMatch);
    case 'Contiguous':
      return joined(spans, (span, before) => span.isMatch === before);
    case 'MergedWithPrevious':
      return joined(spans, (span, before) => span.isMatch && before === false);
    case 'MergedWithNext':
      return joined([...spans].reverse(), (span, after) => span.isMatch && after === false).reverse();
  }
}

/** @param joins whether a span is one with the last; what that was (match or not) is undefined for the first */
function joined(spans: readonly Span[], joins: (span: Span, last: boolean | undefined) => boolean): Span[] {
  const result: Span[] = [];
  let last: boolean | undefined;
  for (const span of spans) {
    const neighbour = result.at(-1);
    if (neighbour !== undefined && joins(span, last)) result[result.length - 1] = union(neighbour, span);
    else result.push(span);
    last = span.isMatch;
  }
  return result;
}

function union(one: Span, other: Span): Span {
  return {
    start: Math.min(one.start, other.start),
    end: Math.max(one.end, other.end),
    isMatch: one.isMatch,
  };
}
