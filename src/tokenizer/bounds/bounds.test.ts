import { expect, test } from 'vitest';
import { ChatTemplates } from '../chat-template.js';
import { tokenizerSchema } from '../files/tokenizer-json.js';
import { Encoder } from '../encoding/encoder.js';
import type { SpecialNames } from '../files/tokenizer-files.js';
import type { TemplateLimits } from './prompt-limits.js';
import { maxTokenChars } from './token-chars.js';

const NAMES: SpecialNames = {
  bos_token: undefined,
  eos_token: undefined,
  unk_token: undefined,
  pad_token: undefined,
};
const LIMITS: TemplateLimits = { steps: 50_000, chars: 1_000_000 };
const render = (template: string, limits = LIMITS): string =>
  new ChatTemplates(new Map([['default', template]]), NAMES).render([{ role: 'user', content: 'hi' }], {
    limits,
  });
const loop = (inner: string): string => `{% for i in range(1000) %}${inner}{% endfor %}`;

test.each([
  ['nested loops', loop(loop(loop('x')))],
  ['nested loops without a body', loop(loop(loop('')))],
  ['a long list that is gone over by a filter', loop('{% set x = range(1000) | list %}')],
  ['a long list that is looked through', `{% set r = range(1000) %}${loop('{{ 5 in r }}')}`],
  ['a text that doubles', `{% set ns = namespace(s='ab') %}${loop('{% set ns.s = ns.s ~ ns.s %}')}`],
  ['a list that doubles', `{% set ns = namespace(s=[1]) %}${loop('{% set ns.s = ns.s + ns.s %}')}`],
  ['a long text again and again', `{% set s = range(1000) | join %}${loop('{{ s }}')}`],
  ['a text that is repeated', "{{ 'ab' * 10 ** 9 }}"],
  ['a list that is repeated', '{{ [1] * 10 ** 9 }}'],
  ['a wide text', "{{ 'a'.ljust(10 ** 9) }}"],
  ['a wide number', "{{ '%01000000000d' % 1 }}"],
  ['a wide field', "{{ '{:>1000000000}'.format('a') }}"],
  ['a deep indent', "{{ 'a\nb' | indent(10 ** 9) }}"],
  ['a replacement that is long, many times', "{% set s = 'a' * 9999 %}{{ s | replace('a', s) }}"],
  ['a join of a long text', "{{ range(1000) | join('a' * 9999) }}"],
  ['JSON of a list that holds itself', '{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}'],
  ['lists that hold themselves and are compared', '{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}'],
  ['a batch that is filled', '{{ [1] | batch(10 ** 9, 0) | list | length }}'],
  ['macros that call each other', '{% macro a(n) %}{% if n > 0 %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(40) }}'],
])('a template with %s is stopped', (_what, template) => {
  expect(() => render(template)).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', fields: { budget: 'template' } }),
  );
}); // prettier-ignore

test.each([
  ['a number of endless digits', '{{ 9 ** 99999 }}'],
  ['a number that is squared again and again', `{% set ns = namespace(n=3) %}${loop('{% set ns.n = ns.n * ns.n %}')}`],
  ['a loop that calls itself for ever', '{% for x in [1] recursive %}{{ loop([1, 1, 1]) }}{% endfor %}'],
  ['a macro that calls itself for ever', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
  ['brackets without end', `{{ ${'('.repeat(100_000)} }}`],
])('a template with %s is refused', (_what, template) => {
  expect(() => render(template)).toThrow(expect.objectContaining({ name: 'KvrError' }));
}); // prettier-ignore

test('within its limits a template is rendered as ever, and reading one message of many costs no more for the others', () => {
  expect(render('{% for m in messages %}{{ m.role }}: {{ m.content | trim }}{% endfor %}')).toBe('user: hi');
  expect(render(`{% set r = range(1000) %}${loop('{{ r[0] }}')}`)).toBe('0'.repeat(1000));
});

test('tokens are counted while they are made', () => {
  let words = 0;
  const json = tokenizer({
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'Isolated' },
  });
  const encoder = new Encoder(json, [], () => [(words += 1)]);
  const text = Array.from({ length: 5000 }, () => 'w').join(' ');
  expect(encoder.idsOf(text, 9_999)).toHaveLength(9_999);
  words = 0;
  expect(() => encoder.idsOf(text, 100)).toThrow(expect.objectContaining({ code: 'PROMPT_TOO_LONG' }));
  expect(words).toBe(101);
});

const tokenizer = (changed: object): Parameters<typeof maxTokenChars>[0] =>
  tokenizerSchema.parse({ model: { type: 'BPE', vocab: { a: 0, abcde: 1 }, merges: [] }, ...changed });

test.each<[what: string, changed: object, most: number | undefined]>([
  ['the longest token', {}, 5],
  ['the longest added token', { added_tokens: [{ id: 2, content: '<|begin|>', special: true }] }, 9],
  ['what composes characters', { normalizer: { type: 'NFC' } }, 20],
  ['a space that becomes another character', { normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' } }, 5],
  ['a normalizer that drops characters', { normalizer: { type: 'Strip' } }, undefined],
  ['a replacement that shortens', { normalizer: { type: 'Replace', pattern: { String: 'ab' }, content: 'a' } }, undefined],
  ['a split that drops what it splits at', { pre_tokenizer: { type: 'Split', behavior: 'Removed' } }, undefined],
  ['unknown characters that become one token', { model: { type: 'BPE', vocab: { a: 0 }, merges: [], fuse_unk: true } }, undefined],
  ['an added token that takes the space beside it', { added_tokens: [{ id: 2, content: 'x', lstrip: true }] }, undefined],
])('how many characters a token stands for follows from %s', (_what, changed, most) => {
  expect(maxTokenChars(tokenizer(changed))).toBe(most);
}); // prettier-ignore
