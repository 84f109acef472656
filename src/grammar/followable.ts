/**
 * Finds grammars that are too ambiguous to follow before anything is answered under them. Goes ahead where a text has
 * the most readings, and counts what a mask of tokens would cost there; both are bounded, so it finds what grows fast,
 * which is what costs. Called for each pattern and for the whole grammar.
 */
import type { Automaton, State } from './automaton.js';
import { KvrError } from '../core/errors.js';
import type { Meter } from './limits/meter.js';

/** Bytes of a token that are looked at: most tokens that stay alive in an ambiguous grammar are short. */
const TOKEN_BYTES = 3;
/** What looking ahead may take, and what a mask of tokens may cost, in places of the automaton (some 30 ns each). */
type Bounds = { readonly ahead: number; readonly mask: number };
/** Readings of a pattern may grow slowly, and go on to grow behind the last state that is looked at. */
export const OF_PATTERN: Bounds = { ahead: 150_000, mask: 300_000 };
/** Every request with a new schema waits for this one. Masks may cost three times as much (matcher.ts). */
export const OF_GRAMMAR: Bounds = { ahead: 30_000, mask: 2_000_000 };

/** States without a new largest number of readings, after which nobody looks further. */
const MAX_STALLED = 24;

/** Letters, digits and signs of ASCII, line end, and a first and a later byte of other characters. */
const PROBES = [0x0a, ...Array.from({ length: 95 }, (_, index) => 0x20 + index), 0xc3, 0xa9, 0xff];
const ALL_BYTES = Array.from({ length: 256 }, (_, value) => value);

/** @param ahead counts places that are looked at, those of other automata too. @throws BAD_INPUT */
export function requireFollowable(automaton: Automaton, ahead: Meter, bounds: Bounds): void {
  const start = automaton.work;
  const widest = widestAhead(automaton, Math.min(bounds.ahead, ahead.left));
  const before = automaton.work;
  let level = new Set([widest]);
  for (let depth = 0; depth < TOKEN_BYTES; depth++) {
    const next = new Set<State>();
    for (const state of level)
      for (const value of depth === 0 ? ALL_BYTES : PROBES) {
        const reached = automaton.step(state, value);
        if (reached) next.add(reached);
        // Small limits end it while it goes on, not after.
        if (automaton.work - start > ahead.left) ahead.spend(automaton.work - start);
        if (automaton.work - before > bounds.mask) throw tooAmbiguous(widest.heads.length, bounds.mask);
      }
    level = next;
  }
  ahead.spend(automaton.work - start);
}

/** The state with the most readings that is found; goes on from the one with the most first, from later ones of equals. */
function widestAhead(automaton: Automaton, work: number): State {
  const { start } = automaton;
  const most = automaton.work + work;
  const seen = new Set<State>([start]);
  const open = new Map<number, State[]>([[start.heads.length, [start]]]);
  let widest = start;
  for (let stalled = 0; stalled < MAX_STALLED && automaton.work < most; stalled++) {
    const state = takeWidest(open);
    if (!state) break;
    for (const value of PROBES) {
      const next = automaton.step(state, value);
      if (!next || seen.has(next)) continue;
      seen.add(next);
      const width = next.heads.length;
      const alike = open.get(width) ?? [];
      alike.push(next);
      open.set(width, alike);
      if (width <= widest.heads.length) continue;
      widest = next;
      stalled = -1;
    }
  }
  return widest;
}

function takeWidest(open: Map<number, State[]>): State | undefined {
  const width = Math.max(...open.keys());
  const states = open.get(width);
  const state = states?.pop();
  if (states?.length === 0) open.delete(width);
  return state;
}

function tooAmbiguous(readings: number, most: number): KvrError {
  const message = `the grammar is too ambiguous: a text can have ${readings} readings or more at once, which takes more than ${most} steps a token, the limit; simplify its patterns and choices`;
  return new KvrError('BAD_INPUT', message);
}
