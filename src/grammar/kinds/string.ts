/**
 * Schemas of strings: by patterns, formats and lengths, all at once.
 */
import { isPlain, plainTerm } from '../regular/plain-term.js';
import { languageWalker } from '../regular/text-language.js';
import type { Place } from '../schema/place.js';
import { held, type Unheld } from '../schema/schema.js';
import type { Together } from '../schema/together.js';
import { ANY_CHARACTER } from '../terms/characters.js';
import { IMPOSSIBLE, repeat, type Term, walk } from '../terms/terms.js';
import type { Reading } from './reading.js';
import { type AskedText, askedText, rulesOf } from './text-rules.js';

/** @returns the characters, without the quotes. @throws BAD_INPUT */
export function stringTerm(parts: Together, place: Place, reading: Reading): Term {
  const asked = askedText(parts, place);
  const { patterns, others, min, max } = asked;
  if (patterns.length === 0 && others.length === 0) return repeat(ANY_CHARACTER, min, max);
  const key = JSON.stringify([
    patterns.map(({ pattern, isNegated }) => [pattern, isNegated]),
    others,
    min,
    max,
  ]);
  reading.document.meter.spend(1 + key.length);
  const known = reading.strings.get(key);
  if (known) return known;
  const what = patterns.at(-1)?.what ?? { schema: parts[0] ?? {}, keyword: 'maxLength', path: place.path };
  const term = held(what, () => termOf(asked, what, reading));
  reading.strings.set(key, term);
  return term;
}

/** A pattern by itself is followed as it is, where it can be. */
function termOf(asked: AskedText, what: Unheld, { document, onPattern }: Reading): Term {
  const { patterns, min, max } = asked;
  const rules = rulesOf(asked, document);
  const [rule] = rules;
  if (rule && !rule.isNegated && rules.length === 1 && min === 0 && max === Infinity && isPlain(rule.tree)) {
    const term = plainTerm(rule.tree, document.meter);
    if (patterns[0]?.what.keyword === 'pattern') onPattern(term, what);
    return term;
  }
  const walker = languageWalker({ rules, min, max }, document.meter);
  return walker ? walk(walker) : IMPOSSIBLE;
}
