import { expect, test } from 'vitest';
import { ChatTemplates } from '../chat-template.js';
import type { ChatOptions } from '../chat-template.js';
import {
  checkTemplateArgs,
  MAX_ARG_CHARS,
  MAX_ARG_DEPTH,
  MAX_ARG_VALUES,
  MAX_TEMPLATE_ARGS,
} from './template-args.js';

const NAMES = { bos_token: '<s>', eos_token: '</s>', unk_token: undefined, pad_token: undefined };
const MESSAGES = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: ' Well, ' },
];
const render = (source: string, options: ChatOptions): string =>
  new ChatTemplates(new Map([['default', source]]), NAMES).render(MESSAGES, options);

test('arguments reach the template, and those of the model stay its own', () => {
  const source = '{{ bos_token }}{{ enable_thinking is false }}{{ documents[0].text }}{{ date_string }}';
  const args = { enable_thinking: false, documents: [{ text: 'doc' }], date_string: 'today' };
  expect(render(source, { args })).toBe('<s>Truedoctoday');
  expect(render('{{ documents is none }}{{ enable_thinking is defined }}', {})).toBe('TrueFalse');
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
test.each<[what: string, args: unknown, said: RegExp]>([
  ['no object', [1], /must be an object/],
  ['a name that is taken', { messages: [] }, /can not set "messages"/],
  ['the begin token', { bos_token: '' }, /can not set "bos_token"/],
  ['a function of the language', { raise_exception: 1 }, /can not set/],
  ['a name that is none', { 'a b': 1 }, /letters, digits/],
  ['the prototype', JSON.parse('{"__proto__": {"x": 1}, "constructor": 1, "a-b": 1}'), /letters, digits/],
  ['too many names', Object.fromEntries(Array.from({ length: MAX_TEMPLATE_ARGS + 1 }, (_, i) => [`a${i}`, 1])), /65 names/],
  ['too deep', { a: nested(MAX_ARG_DEPTH) }, /nested deeper/],
  ['very deep', { a: nested(5000) }, /nested deeper/],
  ['too many values', { a: new Array(MAX_ARG_VALUES).fill(0) }, /more than 10000 values/],
  ['too long', { a: 'x'.repeat(MAX_ARG_CHARS + 1) }, /characters/],
  ['a function', { a: () => 1 }, /not JSON/],
])('%s is refused in one line', (_what, args, said) => {
  expect(() => checkTemplateArgs(args, 'args')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  expect(() => checkTemplateArgs(args, 'args')).toThrow(said);
}); // prettier-ignore

test('the last message is continued, as the template shows it', () => {
  const source = (content: string): string =>
    `{% for m in messages %}[{{ m.role }}]{{ ${content} }}</s>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;
  const options = { continueFinalMessage: true };
  expect(render(source('m.content'), options)).toBe('[user]Hi</s>[assistant] Well, ');
  expect(render(source('m.content | trim'), options)).toBe('[user]Hi</s>[assistant]Well,');
  expect(() => render('nothing', options)).toThrow(/can not be continued/);
  expect(() => render('x', { ...options, addGenerationPrompt: true })).toThrow(/one of the two/);
});
