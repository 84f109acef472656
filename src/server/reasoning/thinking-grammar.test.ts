import { expect, test } from 'vitest';
import { accepts } from '../../grammar/accepts.test-support.js';
import { compileGrammar } from '../../grammar/grammar.js';
import type { ReasoningUse } from './reasoning-format.js';
import { withThinking } from './thinking-grammar.js';

const ANSWER = { type: 'json', schema: { const: 1 } } as const;
const MARKS: ReasoningUse = {
  format: { type: 'marks', open: '<think>', close: '</think>' },
  marks: new Map(),
};
const CHANNELS: ReasoningUse = { format: { type: 'channels' }, marks: new Map() };

test.each<[use: ReasoningUse, isInside: boolean, text: string, isAllowed: boolean]>([
  [MARKS, false, '1', true],
  [MARKS, false, '<think>a {< b</think>\n\n1', true],
  [MARKS, false, '<think>a</think>2', false],
  [MARKS, false, '<think>a', false],
  [MARKS, false, 'a</think>1', false],
  [MARKS, true, 'a\n</think>\n\n1', true],
  [MARKS, true, '1', false],
  [CHANNELS, false, '1', true],
  [CHANNELS, false, '<|channel|>analysis<|message|>hm<|end|><|start|>assistant1', true],
  [CHANNELS, false, '<|channel|>analysis<|message|>hm<|end|>1', false],
])('%j, inside %j: %j', (use, isInside, text, isAllowed) => {
  const automaton = compileGrammar(withThinking(ANSWER, use, isInside));
  expect(accepts(automaton, Buffer.from(text))).toBe(isAllowed);
});
