/**
 * Finds rules that begin with themselves: following one would never come to a character.
 */
import { KvrError } from '../../core/errors.js';
import type { Term } from '../terms/terms.js';

/** @param references the terms that stand for rules, by name. @throws BAD_INPUT naming the rule */
export function requireNoLeftRecursion(
  rules: ReadonlyMap<string, Term>,
  references: ReadonlyMap<string, Term>,
): void {
  const names = new Map([...references].map(([name, term]) => [term, name]));
  const empty = emptyRules(rules, names);
  const begins = new Map([...rules].map(([name, term]) => [name, new Set(firstRules(term, names, empty))]));
  for (const name of rules.keys()) if (reaches(name, begins)) throw beginsWithItself(name);
}

function reaches(name: string, begins: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const seen = new Set(begins.get(name));
  for (const one of seen) for (const next of begins.get(one) ?? []) seen.add(next);
  return seen.has(name);
}

/** Rules that a text without characters matches. */
function emptyRules(rules: ReadonlyMap<string, Term>, names: ReadonlyMap<Term, string>): ReadonlySet<string> {
  const empty = new Set<string>();
  for (let before = -1; before < empty.size;) {
    before = empty.size;
    for (const [name, term] of rules) if (canBeEmpty(term, names, empty)) empty.add(name);
  }
  return empty;
}

function canBeEmpty(term: Term, names: ReadonlyMap<Term, string>, empty: ReadonlySet<string>): boolean {
  switch (term.kind) {
    case 'byte':
      return false;
    case 'walk':
      return term.walker.canEnd;
    case 'later':
      return empty.has(names.get(term) ?? '');
    case 'sequence':
      return term.parts.every((part) => canBeEmpty(part, names, empty));
    case 'choice':
      return term.options.some((option) => canBeEmpty(option, names, empty));
    case 'repeat':
      return term.min === 0 || canBeEmpty(term.part, names, empty);
  }
}

/** Rules that a term can begin with. */
function* firstRules(
  term: Term,
  names: ReadonlyMap<Term, string>,
  empty: ReadonlySet<string>,
): Generator<string> {
  switch (term.kind) {
    case 'byte':
    case 'walk':
      return;
    case 'later':
      yield names.get(term) ?? '';
      return;
    case 'choice':
      for (const option of term.options) yield* firstRules(option, names, empty);
      return;
    case 'repeat':
      yield* firstRules(term.part, names, empty);
      return;
    case 'sequence':
      for (const part of term.parts) {
        yield* firstRules(part, names, empty);
        if (!canBeEmpty(part, names, empty)) return;
      }
  }
}

function beginsWithItself(name: string): KvrError {
  const message = `grammar: the rule "${name.slice(0, 60)}" begins with itself, which can not be followed; write the repeat with *, or the rule behind its first part`;
  return new KvrError('BAD_INPUT', message);
}
