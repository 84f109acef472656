/**
 * Whole texts against a grammar, and texts drawn from one. Only tests import this.
 */
import type { Automaton } from './automaton.js';
import { type State } from './automaton.js';
import { compileGrammar } from './grammar.js';

/** Of the schema that was asked for last: texts come schema by schema, and compiling takes longer than reading one. */
let last: { readonly schema: unknown; readonly automaton: Automaton } | undefined;

export function acceptsSchema(schema: unknown, text: string): boolean {
  if (!last || last.schema !== schema) last = { schema, automaton: compileGrammar({ type: 'json', schema }) };
  return accepts(last.automaton, Buffer.from(text));
}

export function accepts(automaton: Automaton, bytes: Uint8Array): boolean {
  let state: State | null = automaton.start;
  for (const byte of bytes) state = state && automaton.step(state, byte);
  return state?.canEnd === true;
}

/** A text of random bytes that the grammar allows; undefined where it did not end in time. */
export function draw(automaton: Automaton, random: () => number, maxBytes = 3000): string | undefined {
  const bytes: number[] = [];
  let state = automaton.start;
  while (bytes.length < maxBytes) {
    const at = state;
    const next = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => automaton.step(at, byte));
    if (state.canEnd && (next.length === 0 || random() < 0.3)) return Buffer.from(bytes).toString();
    if (next.length === 0) throw new Error(`nothing goes on after ${Buffer.from(bytes).toString()}`);
    const closing = next.filter((byte) => byte === 0x22 || byte === 0x5d || byte === 0x7d);
    const from = closing.length > 0 && random() < 0.3 ? closing : next;
    const byte = from[Math.floor(random() * from.length)] as number;
    bytes.push(byte);
    state = automaton.step(state, byte) as State;
  }
  return undefined;
}
