import { expect, test } from 'vitest';
import { scriptedEngine } from '../../../test/support/scripted-engine.js';
import { CHAT } from '../openai/chat.js';
import type { ReasoningUse } from './reasoning-format.js';
import { thinkingLimit } from './thinking-limit.js';

const engine = scriptedEngine(() => '');
const { tokenizer } = engine.model;
const SIGNAL = new AbortController().signal;
const MESSAGES = [{ role: 'user', content: 'a' }];
const textOf = (ids: readonly number[]): string => tokenizer.decode(ids);

test.each([
  ['<think>', '</think>', '</think>\n\n'],
  ['[THINK]', '[/THINK]', '[/THINK]'],
])('%s ends with its own mark', (open, close, end) => {
  const use: ReasoningUse = { format: { type: 'marks', open, close }, marks: new Map() };
  const limit = thinkingLimit(use, 9, { isInside: true, isFree: true, tokenizer });
  expect(limit).toMatchObject({ tokens: 9, open, close, isInside: true, mayReopen: false });
  expect(textOf(limit.endIds)).toBe(end);
});

test('where channels are named, the answer has one, unless it may be a call', () => {
  const use: ReasoningUse = { format: { type: 'channels' }, marks: new Map() };
  const endOf = (isFree: boolean): string =>
    textOf(thinkingLimit(use, 9, { isInside: false, isFree, tokenizer }).endIds);
  expect(endOf(true)).toBe('<|end|><|start|>assistant<|channel|>final<|message|>');
  expect(endOf(false)).toBe('<|end|><|start|>assistant');
});

test.each([
  [{ thinking_budget: 5 }, 5],
  [{ thinking: { type: 'enabled', budget_tokens: 6 } }, 6],
  [{ reasoning: { max_tokens: 7 } }, 7],
  [{ reasoning_budget: -1 }, undefined],
  [{}, undefined],
])('a chat with %j may think for %s tokens', async (fields, tokens) => {
  const parsed = await CHAT.parse({ messages: MESSAGES, ...fields }, engine, SIGNAL);
  expect(parsed.thinkingLimit?.tokens).toBe(tokens);
  expect(parsed.ignored).toEqual([]);
});

test('a budget of 0 is told to the template too', async () => {
  const { prompts, thinkingLimit: limit } = await CHAT.parse(
    { messages: MESSAGES, thinking_budget: 0 },
    engine,
    SIGNAL,
  );
  expect(limit?.tokens).toBe(0);
  expect(textOf([...(prompts[0] ?? [])])).toContain('"enable_thinking":false');
});
