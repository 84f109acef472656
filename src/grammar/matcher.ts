/**
 * One answer under a grammar: which tokens may come next, and what the chosen one leads to. The masks belong to the
 * grammar and are shared by all answers under it.
 */
import { KvrError } from '../core/errors.js';
import type { Automaton, State } from './automaton.js';
import { compileGrammar } from './grammar.js';
import type { Vocabulary } from './vocabulary.js';

/** Masks that are kept; each takes a bit a token. */
const MAX_MASKS = 256;
/** Places that the automaton may look at for one mask, a fraction of a second; followable.ts refuses what would need more. */
const MAX_WORK = 6_000_000;

/** A bit for each token that may come next. */
export type Mask = Uint32Array;

/** A compiled grammar and the masks of its states, for one vocabulary. */
export class TokenGrammar {
  readonly automaton: Automaton;
  readonly vocabulary: Vocabulary;
  readonly #masks = new Map<State, Mask>();

  /** @throws BAD_INPUT */
  constructor(grammar: unknown, vocabulary: Vocabulary) {
    this.automaton = compileGrammar(grammar);
    this.vocabulary = vocabulary;
  }

  maskOf(state: State): Mask {
    const known = this.#masks.get(state);
    if (known) return known;
    const mask = this.#makeMask(state);
    const [oldest] = this.#masks.keys();
    if (this.#masks.size >= MAX_MASKS && oldest) this.#masks.delete(oldest);
    this.#masks.set(state, mask);
    return mask;
  }

  /** Walks the sorted tokens; what two neighbours share is walked once, and what a dead beginning leads is skipped. */
  #makeMask(state: State): Mask {
    const { ids, starts, ends, shared, bytes, tokens, maxTokenBytes } = this.vocabulary;
    const mask = new Uint32Array(Math.ceil(tokens / 32));
    const states = new Array<State>(maxTokenBytes + 1).fill(state);
    const workBefore = this.automaton.work;
    let alive = 0;
    for (let place = 0; place < ids.length; place++) {
      const known = shared[place] as number;
      if (known > alive) continue;
      const start = starts[place] as number;
      const length = (ends[place] as number) - start;
      alive = known;
      while (alive < length) {
        const next = this.automaton.step(states[alive] as State, bytes[start + alive] as number);
        if (!next) break;
        states[++alive] = next;
      }
      if (this.automaton.work - workBefore > MAX_WORK) throw tooMuchWork();
      if (alive === length) setBit(mask, ids[place] as number);
    }
    return mask;
  }
}

export class Matcher {
  readonly #grammar: TokenGrammar;
  readonly #endIds: readonly number[];
  #state: State;

  /** @param endIds tokens that end an answer; allowed where it may end, and nowhere else */
  constructor(grammar: TokenGrammar, endIds: readonly number[]) {
    this.#grammar = grammar;
    this.#endIds = endIds;
    this.#state = grammar.automaton.start;
  }

  /** The answer is whole, and no token can follow. */
  get mustEnd(): boolean {
    return this.canEnd && this.mask.every((word) => word === 0);
  }

  get canEnd(): boolean {
    return this.#state.canEnd;
  }

  /** Tokens that may come next, those that end an answer aside; must not be changed. @throws BAD_INPUT */
  get mask(): Mask {
    return this.#grammar.maskOf(this.#state);
  }

  /** Leaves only the logits of tokens that may come next. @param logits [vocabulary]; changed. @throws BAD_INPUT */
  restrict(logits: Float32Array): void {
    const { mask } = this;
    const ends = this.#endIds.map((id) => [id, this.canEnd ? (logits[id] ?? -Infinity) : -Infinity] as const);
    for (let id = 0; id < logits.length; id++) if (!hasBit(mask, id)) logits[id] = -Infinity;
    for (const [id, logit] of ends) if (id < logits.length) logits[id] = logit;
    if (logits.some((logit) => logit > -Infinity)) return;
    throw new KvrError(
      'BAD_INPUT',
      'no token of the vocabulary can go on under this grammar; relax the schema',
    );
  }

  /** @throws INTERNAL for a token that the mask leaves out */
  accept(id: number): void {
    if (this.#endIds.includes(id)) return;
    for (const byte of this.#grammar.vocabulary.bytesOf(id)) {
      const next = this.#grammar.automaton.step(this.#state, byte);
      if (!next) throw new KvrError('INTERNAL', `token ${id} was chosen against the grammar`);
      this.#state = next;
    }
  }
}

function tooMuchWork(): KvrError {
  const message = 'the grammar takes too long to follow; simplify its patterns and choices';
  return new KvrError('BAD_INPUT', message);
}

function setBit(mask: Mask, id: number): void {
  mask[id >> 5] = (mask[id >> 5] as number) | (1 << (id & 31));
}

function hasBit(mask: Mask, id: number): boolean {
  return (((mask[id >> 5] ?? 0) >> (id & 31)) & 1) === 1;
}
