import { expect, test } from 'vitest';
import { genericMessages } from './generic-messages.js';

const call = (name: string) => ({ id: name, type: 'function', function: { name, arguments: { a: 1 } } });

test('earlier calls and their results become text, and results of several calls one message', () => {
  const told = genericMessages([
    { role: 'user', content: 'go' },
    { role: 'assistant', content: 'ok', tool_calls: [call('f'), call('g')] },
    { role: 'tool', content: '1', tool_call_id: 'f' },
    { role: 'tool', content: '2', tool_call_id: 'g' },
  ]);
  const written = (name: string) => `<tool_call>\n{"name":"${name}","arguments":{"a":1}}\n</tool_call>`;
  expect(told).toEqual([
    { role: 'user', content: 'go' },
    { role: 'assistant', content: `ok\n${written('f')}\n${written('g')}` },
    {
      role: 'user',
      content: '<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>',
    },
  ]);
});

test('the first message says which functions there are, in front of its own text', () => {
  const [first] = genericMessages([{ role: 'user', content: 'go' }], [{ function: { name: 'f' } }]);
  expect([first?.content?.includes('{"name":"f"}'), first?.content?.endsWith('\n\ngo')]).toEqual([
    true,
    true,
  ]);
});
