/**
 * A deterministic automaton over characters for texts that match all of some patterns and none of others: their product, with
 * complements. Every state can be brought to an end. Bounded in states and in work.
 */
import { KvrError } from '../../core/errors.js';
import type { Meter } from '../limits/meter.js';
import { Alphabet } from './alphabet.js';
import { ANY_CHAR, START } from './classes.js';
import { type Formula } from './formula.js';
import { LooksBehind } from './looks-behind.js';
import { Positions } from './positions.js';
import { inOrder, times, type Tree } from './tree.js';

/** A pattern, or the texts that it does not match. */
export type Rule = { readonly tree: Tree; readonly isNegated: boolean };

const MAX_DFA_STATES = 4_000;

/** States are numbers, 0 the first; -1 where nothing goes on. */
export type Dfa = {
  readonly alphabet: Alphabet;
  readonly canEnd: readonly boolean[];
  /** By state, then by set of characters. */
  readonly next: readonly Int32Array[];
};

type Along = { readonly formula: Formula; readonly behind: readonly Formula[] };

/** @returns undefined where no text does. @throws BAD_INPUT */
export function dfaOf(rules: readonly Rule[], meter: Meter): Dfa | undefined {
  return trimmed(new DfaMaker(rules, meter).make());
}

class DfaMaker {
  readonly #alphabet: Alphabet;
  readonly #positions: Positions;
  readonly #behind: LooksBehind;
  readonly #meter: Meter;
  readonly #numbers = new Map<string, number>();
  readonly #states: Along[] = [];

  constructor(rules: readonly Rule[], meter: Meter) {
    const trees = rules.map(({ tree }) => tree);
    this.#meter = meter;
    this.#alphabet = new Alphabet(trees);
    this.#positions = new Positions(meter);
    this.#behind = new LooksBehind(trees, this.#positions);
    this.#enter(this.#start(rules));
  }

  make(): Dfa {
    const next: Int32Array[] = [];
    // Goes on to states that are added meanwhile.
    for (const state of this.#states)
      next.push(Int32Array.from(this.#alphabet.samples, (point) => this.#enter(this.#after(state, point))));
    const canEnd = this.#states.map(({ formula }) => this.#positions.canEnd(formula));
    return { alphabet: this.#alphabet, canEnd, next };
  }

  #start(rules: readonly Rule[]): Along {
    const behind = this.#behind.begin();
    const answer = this.#behind.answer(behind);
    const formulas = rules.map(({ tree, isNegated }) => {
      const found = this.#positions.begin(anywhere(tree), false, answer);
      return isNegated ? this.#positions.not(found) : found;
    });
    return { formula: formulas.reduce((all, one) => this.#positions.both(all, one)), behind };
  }

  #after({ formula, behind }: Along, point: number): Along {
    const after = this.#behind.after(behind, point);
    return { formula: this.#positions.after(formula, point, this.#behind.answer(after)), behind: after };
  }

  #enter(state: Along): number {
    if (state.formula.options.length === 0) return -1;
    const key = [state.formula, ...state.behind].map((one) => one.key).join(';');
    this.#meter.spend(1);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#states.length >= MAX_DFA_STATES) throw tooLarge();
    this.#numbers.set(key, this.#states.length);
    return this.#states.push(state) - 1;
  }
}

/** Patterns are looked for anywhere; where one begins with an anchor there is nothing to look for. */
function anywhere(tree: Tree): Tree {
  const isAnchored = tree === START || (tree.kind === 'sequence' && tree.parts[0] === START);
  return isAnchored ? tree : inOrder(times(ANY_CHAR, 0, Infinity), tree);
}

/** Without states that lead to no end. */
function trimmed({ alphabet, canEnd, next }: Dfa): Dfa | undefined {
  const isAlive = aliveStates(canEnd, next);
  if (!isAlive[0]) return undefined;
  return {
    alphabet,
    canEnd,
    next: next.map((edges) => edges.map((to) => (to >= 0 && isAlive[to] ? to : -1))),
  };
}

function aliveStates(canEnd: readonly boolean[], next: readonly Int32Array[]): boolean[] {
  const sources = canEnd.map((): number[] => []);
  for (const [from, edges] of next.entries()) for (const to of new Set(edges)) sources[to]?.push(from);
  const isAlive = [...canEnd];
  const open = isAlive.flatMap((alive, state) => (alive ? [state] : []));
  for (let state = open.pop(); state !== undefined; state = open.pop())
    for (const source of sources[state] ?? []) {
      if (isAlive[source]) continue;
      isAlive[source] = true;
      open.push(source);
    }
  return isAlive;
}

function tooLarge(): KvrError {
  const message = `the patterns, formats and names of one text come to more than ${MAX_DFA_STATES} states together; simplify them`;
  return new KvrError('BAD_INPUT', message);
}
