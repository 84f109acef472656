import { expect, test } from 'vitest';
import { formatOf } from './tool-formats.js';
import { ToolReader } from './tool-reader.js';

const TEMPLATES = {
  hermes: '{% if tools %}<tool_call>{% endif %}',
  mistral: '{% if tools %}[TOOL_CALLS]{% endif %}',
  llama: '{% if tools %}{"name": function name, "parameters": dictionary}{% endif %}',
};

/** Text and calls of an answer, fed in pieces of a size. */
function read(template: string, answer: string, size: number): { text: string; calls: string[] } {
  const format = formatOf(template);
  if (!format) throw new Error('no format');
  const reader = new ToolReader(format, ['f', 'g']);
  const pieces = answer.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
  const parts = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
  return {
    text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    calls: parts.flatMap((part) => (part.type === 'call' ? [`${part.call.name} ${part.call.text}`] : [])),
  };
}

const F = '{"name": "f", "arguments": {"a": "}<x"}}';
const TAGGED = `<tool_call>\n${F}\n</tool_call>`;

test.each<[template: keyof typeof TEMPLATES, answer: string, text: string, calls: string[]]>([
  ['hermes', TAGGED, '', ['f {"a":"}<x"}']],
  ['hermes', `So: ${TAGGED}\n${TAGGED}\n`, 'So: ', ['f {"a":"}<x"}', 'f {"a":"}<x"}']],
  ['hermes', `${TAGGED} done`, ' done', ['f {"a":"}<x"}']],
  ['hermes', 'a <tool b', 'a <tool b', []],
  ['hermes', 'a <tool_call', 'a <tool_call', []],
  ['hermes', '<tool_call>{"name": "no"}</tool_call>.', '<tool_call>{"name": "no"}</tool_call>.', []],
  ['hermes', '<tool_call>{"name": "f", "argu', '<tool_call>{"name": "f", "argu', []],
  ['hermes', `<tool_call>${F}`, '', ['f {"a":"}<x"}']],
  ['hermes', '<tool_call>{"name": "__proto__", "arguments": {}}</tool_call>', '<tool_call>{"name": "__proto__", "arguments": {}}</tool_call>', []],
  ['mistral', `[TOOL_CALLS][${F}, {"name": "g", "arguments": "{}"}]`, '', ['f {"a":"}<x"}', 'g {}']],
  ['mistral', `[TOOL_CALLS][${F}`, `[TOOL_CALLS][${F}`, []],
  ['mistral', 'see [TOOL] and [1]', 'see [TOOL] and [1]', []],
  ['llama', '{"name": "f", "parameters": {"a": 1}}', '', ['f {"a":1}']],
  ['llama', '<|python_tag|>{"name": "g", "parameters": {}}', '', ['g {}']],
  ['llama', '{"a": 1}', '{"a": 1}', []],
  ['llama', 'It is {"name": "f"}', 'It is {"name": "f"}', []],
  ['llama', '<b', '<b', []],
])('%s: %j', (template, answer, text, calls) => {
  for (const size of [1, 2, 7, 1000]) expect([size, read(TEMPLATES[template], answer, size)]).toEqual([size, { text, calls }]);
}); // prettier-ignore

test('a template that shows no way to call is of no format', () => {
  expect(formatOf('{{ messages }}')).toBeUndefined();
  expect(formatOf('{{ tools }}')).toBeUndefined();
});
