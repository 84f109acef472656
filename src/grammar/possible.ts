/**
 * Which terms no text can match: a choice without options, a schema that requires itself, and whatever contains one of these. The
 * automaton never enters them, so that whatever was begun can be brought to an end.
 */
import { KvrError } from '../core/errors.js';
import type { Term } from './terms/terms.js';

/** Far more than schemas within their own limit come to. */
const MAX_TERMS = 1_000_000;

/** Only grammars made to be hard need more rounds. */
const MAX_ROUNDS = 200;

/** @returns the terms that can not be matched. @throws BAD_INPUT for a grammar that is too large */
export function impossibleTerms(root: Term): ReadonlySet<Term> {
  const order = childrenFirst(root);
  const possible = new Set<Term>();
  for (let before = -1, round = 0; before < possible.size; round++) {
    if (round > MAX_ROUNDS) throw tooLarge();
    before = possible.size;
    for (const term of order) if (!possible.has(term) && isPossible(term, possible)) possible.add(term);
  }
  return new Set(order.filter((term) => !possible.has(term)));
}

/** All terms below and with the root; children before their parents, where they do not contain each other. */
function childrenFirst(root: Term): Term[] {
  const order: Term[] = [];
  const seen = new Set([root]);
  const open = [{ term: root, children: childrenOf(root), next: 0 }];
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const child = top.children[top.next++];
    if (!child) {
      order.push(top.term);
      open.pop();
    } else if (!seen.has(child)) {
      if (seen.size >= MAX_TERMS) throw tooLarge();
      seen.add(child);
      open.push({ term: child, children: childrenOf(child), next: 0 });
    }
  }
  return order;
}

function tooLarge(): KvrError {
  return new KvrError('BAD_INPUT', 'the grammar is too large to check; give a smaller schema');
}

function childrenOf(term: Term): readonly Term[] {
  switch (term.kind) {
    case 'sequence':
      return term.parts;
    case 'choice':
      return term.options;
    case 'repeat':
      return [term.part];
    case 'later':
      return [term.get()];
    case 'byte':
    case 'walk':
      return [];
  }
}

function isPossible(term: Term, possible: ReadonlySet<Term>): boolean {
  switch (term.kind) {
    case 'sequence':
      return term.parts.every((part) => possible.has(part));
    case 'choice':
      return term.options.some((option) => possible.has(option));
    case 'repeat':
      return term.min === 0 || possible.has(term.part);
    case 'later':
      return possible.has(term.get());
    case 'byte':
      return term.ranges.length > 0;
    case 'walk':
      return true;
  }
}
