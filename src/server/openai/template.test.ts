import { expect, test } from 'vitest';
import { readTemplate } from './template.js';

test('the parameters of a template are read, and none is nothing', () => {
  expect(readTemplate({})).toBeUndefined();
  const asked = { chat_template: 'rag', chat_template_kwargs: { enable_thinking: false } };
  expect(readTemplate({ ...asked, add_generation_prompt: false, continue_final_message: true })).toEqual({
    ...{ name: 'rag', args: { enable_thinking: false } },
    ...{ addGenerationPrompt: false, continueFinalMessage: true },
  });
});

test.each([
  [{ chat_template_kwargs: { messages: [] } }, 'chat_template_kwargs'],
  [{ chat_template_kwargs: 'x' }, 'chat_template_kwargs'],
  [{ add_generation_prompt: true, continue_final_message: true }, 'continue_final_message'],
])('%j is refused by name', (given, param) => {
  expect(() => readTemplate(given)).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', fields: { param } }),
  );
});
