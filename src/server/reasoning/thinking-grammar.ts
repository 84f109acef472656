/**
 * An answer that is held to a grammar, with room for thinking before it: the grammar begins where the thinking ends.
 */
import type { Grammar } from '../../grammar/grammar.js';
import { written } from '../tools/formats/special-marks.js';
import type { ReasoningUse } from './reasoning-format.js';

/** White space between the closing mark and the answer. */
const MAX_LINE_ENDS = 2;
const BEFORE_FINAL = '<|start|>assistant';

/** @param isInside the prompt has opened the block */
export function withThinking(answer: Grammar, { format, marks }: ReasoningUse, isInside: boolean): Grammar {
  const specials = [...marks.values()];
  const fixed = (text: string): Grammar => written(text, specials);
  const until = (...marksOfEnd: readonly string[]): Grammar => ({ type: 'free', without: marksOfEnd });
  if (format.type === 'channels') {
    const block = sequence(
      fixed('<|channel|>analysis<|message|>'),
      until('<|end|>', '<|channel|>', '<|start|>'),
      fixed(`<|end|>${BEFORE_FINAL}`),
    );
    return sequence({ type: 'repeat', part: block, min: 0, max: 1 }, answer);
  }
  const { open, close } = format;
  const lines: Grammar = { type: 'repeat', part: { type: 'text', text: '\n' }, min: 0, max: MAX_LINE_ENDS };
  const rest = sequence(until(close), fixed(close), lines, answer);
  if (isInside) return rest;
  return { type: 'choice', options: [answer, sequence(fixed(open), rest)] };
}

/** What stands before the text of an answer, where each message names its channel. */
export function textLead(use: ReasoningUse | undefined): Grammar | undefined {
  if (use?.format.type !== 'channels') return undefined;
  return written('<|channel|>final<|message|>', use.marks.values());
}

const sequence = (...parts: readonly Grammar[]): Grammar => ({ type: 'sequence', parts });
