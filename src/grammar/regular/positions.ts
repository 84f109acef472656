/**
 * Positions in patterns, as an alternating automaton: what a position asks of the next character, once all that takes none is
 * followed. Looks ahead become literals beside the others, looks behind are answered by whoever goes along.
 */
import { KvrError } from '../../core/errors.js';
import type { Meter } from '../limits/meter.js';
import { ALWAYS, anyFormula, bothFormula, type Formula, literalFormula, NEVER } from './formula.js';
import { type LookTree, times, type Tree } from './tree.js';

/** Pairs of options that are compared in about the time of one part of a grammar. */
const COMPARED_PER_PART = 64;

/** Positions that are followed at once without a character being taken; keeps within any stack. */
const MAX_FOLLOWED = 500;

/** A tree that is still to come, then the rest; an end that is reached has none. */
type Position = { readonly tree: Tree | 'whole' | 'here'; readonly rest: Position | undefined };
type Literal =
  | { readonly kind: 'character'; readonly tree: Extract<Tree, { kind: 'chars' }>; readonly rest: Position }
  /** The text ends here. */
  | { readonly kind: 'end' }
  | { readonly kind: 'not'; readonly inner: Formula };

/** Whether what stands behind is as a look asks. */
export type Behind = {
  /** The same for the same answers. */
  readonly key: string;
  readonly isAs: (look: LookTree) => boolean;
};

/** Where a pattern that needs no more ends: whatever follows, or only at the text's end. */
const WHOLE: Position = { tree: 'whole', rest: undefined };
const HERE: Position = { tree: 'here', rest: undefined };

export class Positions {
  readonly #meter: Meter;
  readonly #literals: Literal[] = [];
  readonly #numbers = new Map<unknown, Map<unknown, number>>();
  readonly #negated = new Map<string, Formula>();
  readonly #positions = new Map<Position, Map<Tree, Position>>();
  readonly #repeats = new Map<Tree, Map<string, Tree>>();
  /** What positions come to, by what stands behind. */
  readonly #known = new Map<string, Map<Position, Formula>>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** @param mustEnd the text ends with the tree; else anything may follow */
  begin(tree: Tree, mustEnd: boolean, behind: Behind): Formula {
    return this.#expanded(this.#position(tree, mustEnd ? HERE : WHOLE), behind);
  }

  not(formula: Formula): Formula {
    if (formula === ALWAYS) return NEVER;
    if (formula === NEVER) return ALWAYS;
    const known = this.#negated.get(formula.key);
    const made = known ?? literalFormula(this.#literals.push({ kind: 'not', inner: formula }) - 1);
    this.#negated.set(formula.key, made);
    return made;
  }

  /** What must hold after one more character. @param behind as it is after it */
  after(formula: Formula, point: number, behind: Behind): Formula {
    return this.#any(
      formula.options.map((literals) => {
        let all = ALWAYS;
        for (const literal of literals) {
          if (all === NEVER) break;
          all = this.both(all, this.#literalAfter(this.#literals[literal] as Literal, point, behind));
        }
        return all;
      }),
    );
  }

  /** Whether it holds where the text ends. */
  canEnd(formula: Formula): boolean {
    return formula.options.some((literals) =>
      literals.every((number) => {
        const literal = this.#literals[number] as Literal;
        return literal.kind === 'end' || (literal.kind === 'not' && !this.canEnd(literal.inner));
      }),
    );
  }

  #literalAfter(literal: Literal, point: number, behind: Behind): Formula {
    this.#meter.spend(1);
    switch (literal.kind) {
      case 'end':
        return NEVER;
      case 'not':
        return this.not(this.after(literal.inner, point, behind));
      case 'character':
        return literal.tree.ranges.some(([first, last]) => first <= point && point <= last)
          ? this.#expanded(literal.rest, behind)
          : NEVER;
    }
  }

  /** As before, where the same stands behind. */
  #expanded(position: Position, behind: Behind): Formula {
    const known = this.#known.get(behind.key) ?? new Map<Position, Formula>();
    this.#known.set(behind.key, known);
    const formula = known.get(position) ?? this.#expand(position, behind, new Set());
    known.set(position, formula);
    return formula;
  }

  /** @param around positions that are being followed: a repeat of nothing leads back to one, and to nothing new */
  #expand(position: Position, behind: Behind, around: Set<Position>): Formula {
    this.#meter.spend(1);
    const { tree, rest } = position;
    if (tree === 'whole') return ALWAYS;
    if (tree === 'here') return this.#literal('end', 'end', { kind: 'end' });
    const after = rest as Position;
    if (tree.kind === 'chars') return this.#literal(tree, after, { kind: 'character', tree, rest: after });
    if (around.has(position)) return NEVER;
    if (around.size >= MAX_FOLLOWED) throw tooDeep();
    around.add(position);
    const found = this.#within(tree, after, (next) => this.#expand(next, behind, around), behind);
    around.delete(position);
    return found;
  }

  #within(
    tree: Exclude<Tree, { kind: 'chars' }>,
    rest: Position,
    expand: (next: Position) => Formula,
    behind: Behind,
  ): Formula {
    switch (tree.kind) {
      case 'sequence':
        return expand(tree.parts.reduceRight<Position>((after, part) => this.#position(part, after), rest));
      case 'choice':
        return this.#any(tree.options.map((option) => expand(this.#position(option, rest))));
      case 'repeat': {
        const once =
          tree.max > 0 ? expand(this.#position(tree.part, this.#position(this.#lessOne(tree), rest))) : NEVER;
        return tree.min === 0 ? this.#any([once, expand(rest)]) : once;
      }
      case 'look': {
        if (tree.isBehind) return behind.isAs(tree) ? expand(rest) : NEVER;
        const ahead = this.begin(tree.body, false, behind);
        return this.both(tree.isNegated ? this.not(ahead) : ahead, expand(rest));
      }
    }
  }

  /** Options are compared with each other. */
  #any(all: readonly Formula[]): Formula {
    const options = all.reduce((sum, one) => sum + one.options.length, 0);
    this.#meter.spend((options * options) / COMPARED_PER_PART);
    return anyFormula(all);
  }

  both(a: Formula, b: Formula): Formula {
    const options = a.options.length * b.options.length;
    this.#meter.spend((options * options) / COMPARED_PER_PART);
    return bothFormula(a, b);
  }

  #lessOne(tree: Extract<Tree, { kind: 'repeat' }>): Tree {
    const { part, min, max } = tree;
    if (min === 0 && max === Infinity) return tree;
    const known = this.#repeats.get(part) ?? new Map<string, Tree>();
    this.#repeats.set(part, known);
    const key = `${Math.max(0, min - 1)},${max - 1}`;
    const less = known.get(key) ?? times(part, Math.max(0, min - 1), max - 1);
    known.set(key, less);
    return less;
  }

  #position(tree: Tree, rest: Position): Position {
    const siblings = this.#positions.get(rest) ?? new Map<Tree, Position>();
    this.#positions.set(rest, siblings);
    const position = siblings.get(tree) ?? { tree, rest };
    siblings.set(tree, position);
    return position;
  }

  /** The same literal for the same pair. */
  #literal(one: unknown, other: unknown, literal: Literal): Formula {
    const siblings = this.#numbers.get(one) ?? new Map<unknown, number>();
    this.#numbers.set(one, siblings);
    const number = siblings.get(other) ?? this.#literals.push(literal) - 1;
    siblings.set(other, number);
    return literalFormula(number);
  }
}

function tooDeep(): KvrError {
  const message = `a pattern has more than ${MAX_FOLLOWED} parts in a row that may be empty; simplify its repeats and looks`;
  return new KvrError('BAD_INPUT', message);
}
