/**
 * Finds stop strings in text that arrives in pieces, however it is cut, and holds back only what could be the
 * beginning of one. One Knuth-Morris-Pratt automaton per stop string, so a character costs the same anywhere.
 * Knows no tokens. Called by engine/.
 */
import { KvrError } from '../core/errors.js';

/** OpenAI's API allows 4; more is harmless, without end is not. */
export const MAX_STOP_STRINGS = 64;
export const MAX_STOP_CHARS = 4096;

export type StopProgress = {
  /** Text that can be shown: before any stop string and not the beginning of one. */
  readonly text: string;
  /** The stop string that ended the text; everything after it is dropped. */
  readonly stopped: string | undefined;
};

/** For each prefix of the pattern the length of its longest proper border. */
type Automaton = { readonly pattern: string; readonly borders: readonly number[]; matched: number };

export class StopMatcher {
  readonly #automata: readonly Automaton[];
  #held = '';
  #stopped: string | undefined;

  /** @throws BAD_INPUT for too many, empty, overlong or ill-formed stop strings */
  constructor(stops: readonly string[]) {
    if (stops.length > MAX_STOP_STRINGS) {
      throw bad(`${stops.length} stop strings are more than the ${MAX_STOP_STRINGS} allowed; give fewer`);
    }
    stops.forEach(requireUsable);
    this.#automata = stops.map((pattern) => ({ pattern, borders: bordersOf(pattern), matched: 0 }));
  }

  /** The stop string that is complete first wins; of several that end together, the longest. */
  push(text: string): StopProgress {
    if (this.#stopped !== undefined) return { text: '', stopped: this.#stopped };
    const whole = this.#held + text;
    for (let index = this.#held.length; index < whole.length; index += 1) {
      const stop = this.#advance(whole[index] ?? '');
      if (stop !== undefined) return this.#stop(whole.slice(0, index + 1 - stop.length), stop);
    }
    const heldChars = Math.max(0, ...this.#automata.map((automaton) => automaton.matched));
    this.#held = whole.slice(whole.length - heldChars);
    return { text: whole.slice(0, whole.length - heldChars), stopped: undefined };
  }

  /** What was held back, once no more text comes. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    for (const automaton of this.#automata) automaton.matched = 0;
    return rest;
  }

  #advance(char: string): string | undefined {
    let longest: string | undefined;
    for (const automaton of this.#automata) {
      if (step(automaton, char) && automaton.pattern.length > (longest?.length ?? 0))
        longest = automaton.pattern;
    }
    return longest;
  }

  #stop(text: string, stop: string): StopProgress {
    this.#held = '';
    this.#stopped = stop;
    return { text, stopped: stop };
  }
}

/** Reads one character; true when the pattern is complete. */
function step(automaton: Automaton, char: string): boolean {
  const { pattern, borders } = automaton;
  let { matched } = automaton;
  while (matched > 0 && pattern[matched] !== char) matched = borders[matched - 1] ?? 0;
  if (pattern[matched] === char) matched += 1;
  automaton.matched = matched;
  return matched === pattern.length;
}

function bordersOf(pattern: string): number[] {
  const borders = [0];
  let border = 0;
  for (let index = 1; index < pattern.length; index += 1) {
    while (border > 0 && pattern[border] !== pattern[index]) border = borders[border - 1] ?? 0;
    if (pattern[border] === pattern[index]) border += 1;
    borders.push(border);
  }
  return borders;
}

function requireUsable(stop: string): void {
  if (stop === '') throw bad('a stop string is empty; leave it out or give at least one character');
  if (stop.length > MAX_STOP_CHARS) {
    throw bad(
      `a stop string has ${stop.length} characters, more than the ${MAX_STOP_CHARS} allowed; shorten it`,
    );
  }
  // Half a surrogate pair could match inside another character and cut it in two.
  if (/\p{Surrogate}/u.test(stop))
    throw bad('a stop string holds half a surrogate pair; give whole characters');
}

function bad(message: string): KvrError {
  return new KvrError('BAD_INPUT', message);
}
