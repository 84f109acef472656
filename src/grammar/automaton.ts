/**
 * Walks a grammar byte by byte. A state is the set of places in the grammar that a text may have reached; states are
 * made as texts reach them and kept, so that a step that was done before is one look-up. Nothing is computed ahead:
 * what a grammar costs depends on the texts, not on its size.
 */
import { KvrError } from '../core/errors.js';
import { Meter } from './limits/meter.js';
import { impossibleTerms } from './possible.js';
import { repeat, type RepeatTerm, type Term, walk, type Walker } from './terms/terms.js';

/** Places that a text may have reached at once: useful grammars have a few, a hostile pattern any number. */
const MAX_PLACES = 20_000;
/** States that are kept; each takes about 2 KB. Beyond that they are made anew. */
const MAX_STATES = 20_000;

/** What is still to come: a term, then the rest. Made once for each pair. */
type Place = {
  readonly number: number;
  readonly term: Term;
  readonly rest: Place | undefined;
  ahead?: Ahead;
};
/** Places whose term takes a byte next, and whether the text may end. */
type Ahead = { readonly heads: readonly Place[]; readonly canEnd: boolean };

export type State = {
  /** The text may end here. */
  readonly canEnd: boolean;
  readonly heads: readonly Place[];
  /** By byte; undefined where nobody went yet, null where nothing goes on. */
  readonly next: (State | null | undefined)[];
};

export class Automaton {
  readonly #impossible: ReadonlySet<Term>;
  #places = new Map<Place | undefined, Map<Term, Place>>();
  #placeCount = 0;
  #states = new Map<string, State>();
  readonly #repeats = new Map<Term, Map<string, Term>>();
  readonly #walks = new Map<Walker, Term>();
  readonly start: State;
  /** Places looked at so far: what following a text has cost. */
  work = 0;

  /** @param meter counts the grammar's terms. @throws BAD_INPUT where no text matches, or where there are too many */
  constructor(root: Term, meter = new Meter()) {
    this.#impossible = impossibleTerms(root, meter);
    if (this.#impossible.has(root)) throw new KvrError('BAD_INPUT', 'no text can satisfy it');
    this.start = this.#stateOf(this.#ahead(this.#place(root, undefined)));
  }

  /** @returns the state after one more byte; null where no text continues with that byte. @throws BAD_INPUT */
  step(state: State, value: number): State | null {
    const known = state.next[value];
    if (known !== undefined) return known;
    const heads = new Set<Place>();
    let canEnd = false;
    this.work += state.heads.length;
    for (const place of state.heads) {
      const ahead = this.#after(place, value);
      if (!ahead) continue;
      canEnd ||= ahead.canEnd;
      for (const head of ahead.heads) heads.add(head);
      if (heads.size > MAX_PLACES) throw tooAmbiguous();
    }
    const next = heads.size > 0 || canEnd ? this.#stateOf({ heads: [...heads], canEnd }) : null;
    state.next[value] = next;
    return next;
  }

  #after({ term, rest }: Place, value: number): Ahead | undefined {
    if (term.kind === 'byte') {
      const isIn = term.ranges.some(([first, last]) => value >= first && value <= last);
      return isIn ? (rest ? this.#ahead(rest) : { heads: [], canEnd: true }) : undefined;
    }
    const walker = term.kind === 'walk' ? term.walker.next(value) : undefined;
    return walker && this.#ahead(this.#place(this.#walkOf(walker), rest));
  }

  /** Where a place leads without a byte being read. */
  #ahead(from: Place): Ahead {
    if (from.ahead) return from.ahead;
    const heads: Place[] = [];
    const seen = new Set<Place>([from]);
    let canEnd = false;
    const enter = (place: Place | undefined): void => {
      if (!place) canEnd = true;
      else if (!this.#impossible.has(place.term)) seen.add(place);
    };
    // A set goes on to what is added while it is walked.
    for (const place of seen) {
      if (seen.size > MAX_PLACES) throw tooAmbiguous();
      const { kind } = place.term;
      if (kind === 'byte' || kind === 'walk') heads.push(place);
      for (const inner of this.#within(place)) enter(inner);
    }
    this.work += seen.size;
    from.ahead = { heads, canEnd };
    return from.ahead;
  }

  #within({ term, rest }: Place): readonly (Place | undefined)[] {
    switch (term.kind) {
      case 'byte':
        return [];
      case 'walk':
        return term.walker.canEnd ? [rest] : [];
      case 'later':
        return [this.#place(term.get(), rest)];
      case 'choice':
        return term.options.map((option) => this.#place(option, rest));
      case 'sequence':
        return [term.parts.reduceRight<Place | undefined>((after, part) => this.#place(part, after), rest)];
      case 'repeat': {
        const once = term.max > 0 ? [this.#place(term.part, this.#place(this.#lessOne(term), rest))] : [];
        return term.min === 0 ? [...once, rest] : once;
      }
    }
  }

  #lessOne(term: RepeatTerm): Term {
    const { part, min, max } = term;
    if (min === 0 && max === Infinity) return term;
    const known = this.#repeats.get(part) ?? new Map<string, Term>();
    this.#repeats.set(part, known);
    const key = `${Math.max(0, min - 1)},${max - 1}`;
    const less = known.get(key) ?? repeat(part, Math.max(0, min - 1), max - 1);
    known.set(key, less);
    return less;
  }

  #walkOf(walker: Walker): Term {
    const term = this.#walks.get(walker) ?? walk(walker);
    this.#walks.set(walker, term);
    return term;
  }

  #place(term: Term, rest: Place | undefined): Place {
    const siblings = this.#places.get(rest) ?? new Map<Term, Place>();
    this.#places.set(rest, siblings);
    const place = siblings.get(term) ?? { number: this.#placeCount++, term, rest };
    siblings.set(term, place);
    return place;
  }

  #stateOf({ heads, canEnd }: Ahead): State {
    const numbers = heads.map(({ number }) => number).sort((a, b) => a - b);
    const key = `${canEnd ? 'e' : ''}${numbers.join()}`;
    const known = this.#states.get(key);
    if (known) return known;
    // States in use stay alive by themselves; they only are no longer found here.
    if (this.#states.size >= MAX_STATES) this.#forget();
    const state = {
      canEnd,
      heads,
      next: new Array<undefined>(256).fill(undefined),
    };
    this.#states.set(key, state);
    return state;
  }

  #forget(): void {
    this.#states = new Map();
    this.#places = new Map();
    this.#repeats.clear();
    this.#walks.clear();
  }
}

function tooAmbiguous(): KvrError {
  const message = `the grammar leaves more than ${MAX_PLACES} readings of one text; simplify its patterns and choices`;
  return new KvrError('BAD_INPUT', message);
}
