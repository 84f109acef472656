/**
 * What must hold for the rest of a text, in terms of positions in patterns: options (one of them must hold), each a set of literals that
 * must hold together. In this form there are only so many for a pattern, so that an automaton of them ends. Pure.
 */
import { KvrError } from '../../core/errors.js';

/** Numbers of literals, in order. */
type Together = readonly number[];
export type Formula = { readonly options: readonly Together[]; readonly key: string };

/** Options at once: useful patterns have a few. */
const MAX_OPTIONS = 300;

export const NEVER: Formula = { options: [], key: '' };
/** Whatever follows. */
export const ALWAYS: Formula = { options: [[]], key: '|' };

export function literalFormula(number: number): Formula {
  return formulaOf([[number]]);
}

export function anyFormula(all: readonly Formula[]): Formula {
  const known = all.filter((one) => one !== NEVER);
  if (known.includes(ALWAYS)) return ALWAYS;
  if (known.length <= 1) return known[0] ?? NEVER;
  return formulaOf(known.flatMap(({ options }) => options));
}

export function bothFormula(a: Formula, b: Formula): Formula {
  if (a === ALWAYS || b === NEVER) return b;
  if (b === ALWAYS || a === NEVER) return a;
  requireFew(a.options.length * b.options.length);
  return formulaOf(a.options.flatMap((one) => b.options.map((other) => union(one, other))));
}

function union(a: Together, b: Together): Together {
  return [...new Set([...a, ...b])].sort((one, other) => one - other);
}

/** Options that ask for more than another one are left out. */
function formulaOf(options: readonly Together[]): Formula {
  const distinct = [...new Map(options.map((one) => [one.join(), one])).values()];
  requireFew(distinct.length);
  const least = distinct.filter((one) => !distinct.some((other) => other !== one && isWithin(other, one)));
  if (least.some((one) => one.length === 0)) return ALWAYS;
  const keys = new Map(least.map((one) => [one.join(), one]));
  const sorted = [...keys.keys()].sort();
  return sorted.length === 0
    ? NEVER
    : { options: sorted.map((key) => keys.get(key) ?? []), key: `${sorted.join('|')}|` };
}

function isWithin(small: Together, large: Together): boolean {
  return small.length < large.length && small.every((one) => large.includes(one));
}

/** @throws BAD_INPUT */
function requireFew(options: number): void {
  if (options <= MAX_OPTIONS) return;
  const message = `a pattern leaves more than ${MAX_OPTIONS} readings of one text; simplify its repeats and looks`;
  throw new KvrError('BAD_INPUT', message);
}
