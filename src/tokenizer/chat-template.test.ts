import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { ChatTemplates } from './chat-template.js';
import type { ChatMessage, ChatOptions } from './chat-template.js';
import { byteLevelJson, folderWith, llamaJson } from './files/tiny-tokenizers.fixture.js';
import { loadTokenizer } from './tokenizer.js';

const HELLO: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
];
const PLAIN =
  '{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}\n{% endfor %}' +
  '{% if add_generation_prompt %}[assistant]{% endif %}';

test('messages are rendered with special tokens and the generation prompt', () => {
  expect(render(PLAIN, HELLO)).toBe('<s>[system] Be brief.</s>\n[user] Hi</s>\n[assistant]');
  expect(render(PLAIN, HELLO, { addGenerationPrompt: false })).not.toContain('[assistant]');
});

test('tools, tool calls and names reach the template', () => {
  const source =
    '{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}' +
    '{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{% endif %}{{ m.tool_call_id }}{{ m.name }}{% endfor %}';
  const messages: ChatMessage[] = [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: '7', function: { name: 'clock', arguments: {} } }],
    },
    { role: 'tool', content: 'noon', tool_call_id: '7', name: 'clock' },
  ];
  expect(render(source, messages)).toBe('clock7clock');
  expect(render(source, HELLO, { tools: [{ type: 'function' }] })).toBe('[{"type": "function"}]');
});

test('the date is the one given, in English', () => {
  const now = new Date(2024, 6, 4, 15, 5, 9);
  const source = "{{ strftime_now('%d %b %Y, %A %B %I:%M:%S %p %y %% %q') }}";
  expect(render(source, HELLO, { now })).toBe('04 Jul 2024, Thursday July 03:05:09 PM 24 % %q');
});

test('a template that refuses messages is bad input in its own words', () => {
  const source = "{{ raise_exception('roles must alternate\\nreally') }}";
  expect(() => render(source, HELLO)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  expect(() => render(source, HELLO)).toThrow(/refuses the messages: roles must alternate$/);
});

test('a template that fails or never ends well is a typed error', () => {
  expect(() => render('{{ messages | nonsense }}', HELLO)).toThrow(/can not render/);
  expect(() => render('{% if %}', HELLO)).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }));
  expect(() => render('{% for i in range(10 ** 12) %}x{% endfor %}', HELLO)).toThrow(/range/);
  expect(() => render('{{ range(1, 5, 0) | length }}', HELLO)).toThrow(/range/);
  expect(() => render('{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', HELLO)).toThrow(/can not render/);
  expect(render('{{ range(5, 0, -2) | join }}', HELLO)).toBe('531');
});

test('no messages and no template are bad input with a remedy', () => {
  expect(() => render(PLAIN, [])).toThrow(/at least one/);
  const none = new ChatTemplates(new Map(), NAMES);
  expect(none.any).toBe(false);
  expect(() => none.render(HELLO)).toThrow(/no chat template; use `generate`/);
});

test('named templates: tool_use for tools, any by name, an unknown one is refused with the names', () => {
  const sources = new Map([['default', 'D'], ['tool_use', 'T'], ['rag', 'R']]); // prettier-ignore
  const templates = new ChatTemplates(sources, NAMES);
  expect(templates.render(HELLO)).toBe('D');
  expect(templates.render(HELLO, { tools: [{}] })).toBe('T');
  expect(templates.render(HELLO, { template: 'rag' })).toBe('R');
  expect(() => templates.render(HELLO, { template: 'x' })).toThrow(/choose one of default, tool_use, rag/);
});

test('chat_template.jinja goes before chat_template.json, that before the config, and others have names', async () => {
  const message = [{ role: 'user', content: 'x' }];
  const files: Record<string, unknown> = {
    'tokenizer.json': byteLevelJson(),
    'tokenizer_config.json': {
      chat_template: [
        { name: 'default', template: 'a' },
        { name: 'rag', template: 'r' },
      ],
    },
  };
  const folder = await folderWith(files);
  const apply = async (options: ChatOptions = {}): Promise<string> => {
    const tokenizer = await loadTokenizer(folder);
    return tokenizer.decode(tokenizer.applyChat(message, options));
  };
  expect([await apply(), await apply({ template: 'rag' })]).toEqual(['a', 'r']);
  await writeFile(join(folder, 'chat_template.json'), JSON.stringify({ chat_template: 'b' }));
  expect(await apply()).toBe('b');
  await writeFile(join(folder, 'chat_template.jinja'), 'c');
  await mkdir(join(folder, 'additional_chat_templates'));
  await writeFile(join(folder, 'additional_chat_templates', 'tool_use.jinja'), 't');
  expect([await apply(), await apply({ tools: [{}] })]).toEqual(['c', 't']);
});

test('BOS comes from the template alone, once or not at all', async () => {
  const ids = async (chat_template: string): Promise<number[]> => {
    const config = { bos_token: '<s>', eos_token: '</s>', add_bos_token: true, chat_template };
    const folder = await folderWith({ 'tokenizer.json': llamaJson(), 'tokenizer_config.json': config });
    return (await loadTokenizer(folder)).applyChat(HELLO);
  };
  expect((await ids(PLAIN)).filter((id) => id === 1)).toEqual([1]);
  expect((await ids(PLAIN)).filter((id) => id === 2)).toEqual([2, 2]);
  expect((await ids('the cat')).filter((id) => id === 1)).toEqual([]);
});

test('special tokens in content become tokens, as the doc says', async () => {
  const folder = await folderWith({
    'tokenizer.json': byteLevelJson(),
    'chat_template.jinja': '{{ messages[0].content }}',
    'tokenizer_config.json': { chat_template: 'not this one' },
  });
  const tokenizer = await loadTokenizer(folder);
  expect(tokenizer.hasChatTemplate).toBe(true);
  expect(tokenizer.applyChat([{ role: 'user', content: 'a<eot>' }])).toEqual([97, 302]);
});

const NAMES = { bos_token: '<s>', eos_token: '</s>', unk_token: undefined, pad_token: undefined };

function render(source: string, messages: ChatMessage[], options: ChatOptions = {}): string {
  return new ChatTemplates(new Map([['default', source]]), NAMES).render(messages, options);
}
