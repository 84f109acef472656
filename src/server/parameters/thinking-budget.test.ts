import { expect, test } from 'vitest';
import { withBudget } from './thinking-budget.js';

test.each([
  [{ thinking_budget: 5 }, { thinking_budget: 5 }],
  [
    { thinking: { type: 'enabled', budget_tokens: 7 } },
    { thinking: { type: 'enabled' }, thinking_budget: 7 },
  ],
  [{ reasoning: { max_tokens: 8 } }, { thinking_budget: 8 }],
  [{ reasoning: { max_tokens: 8, effort: 'low' } }, { reasoning: { effort: 'low' }, thinking_budget: 8 }],
  [{ reasoning_budget: -1 }, {}],
  [{ reasoning_budget: 0 }, { thinking_budget: 0, enable_thinking: false }],
  [{ thinking: { type: 'enabled', budget_tokens: null } }, { thinking: { type: 'enabled' } }],
  [
    { thinking: true, reasoning: 'x' },
    { thinking: true, reasoning: 'x' },
  ],
])('%j is %j', (given, read) => {
  expect(withBudget(given)).toEqual(read);
});

test.each([
  ['thinking.budget_tokens', { thinking: { budget_tokens: 'x' } }],
  ['reasoning.max_tokens', { reasoning: { max_tokens: 1.5 } }],
  ['reasoning_budget', { reasoning_budget: -2 }],
])('what is no number of tokens is refused by its own name: %s', (param, given) => {
  expect(() => withBudget(given)).toThrow(
    expect.objectContaining({ fields: expect.objectContaining({ param }) as unknown }),
  );
});
