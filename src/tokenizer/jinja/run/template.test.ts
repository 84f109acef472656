import { expect, test } from 'vitest';
import { ChatTemplates } from '../../chat-template.js';
import type { ChatOptions } from '../../chat-template.js';

const NAMES = { bos_token: '<s>', eos_token: '</s>', unk_token: undefined, pad_token: undefined };
const CALL = { name: 'clock', arguments: { zone: 'UTC', at: [1, null, true] } };
const MESSAGES = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: '<think>\nhm \n</think>\n\n Hello', tool_calls: [{ function: CALL }] },
  { role: 'user', content: 'Bye' },
];
const render = (source: string, options: ChatOptions = {}): string =>
  new ChatTemplates(new Map([['default', source]]), NAMES).render(MESSAGES, options);

test.each([
  ['{{ true }}{{ none }}{{ 1.0 }}{{ x }}', 'TrueNone1.0'],
  ["{{ [1, 'a', none, \"it's\"] }}", `[1, 'a', None, "it's"]`],
  ['{{ messages[1].tool_calls[0].function | string }}', "{'name': 'clock', 'arguments': {'zone': 'UTC', 'at': [1, None, True]}}"],
  ["{{ 'a' ~ 1 ~ true ~ x }}", 'a1True'],
])('%s is printed as Python prints it', (source, expected) => {
  expect(render(source)).toBe(expected);
}); // prettier-ignore

test('what one turn of a loop sets is gone in the next, and what was set before stays', () => {
  const source = '{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}';
  expect(render(source)).toBe('12 13 1');
});

test.each([
  ["{{ '\\n a \\n'.strip('\\n') }}", ' a '],
  ["{{ 'xxa'.lstrip('x') }}{{ 'axx'.rstrip('x') }}{{ '\\ufeffa '.strip() | length }}", 'aa2'],
  [
    "{{ 'abc'.find('c') }}{{ 'aba'.count('a') }}{{ '-'.join(['a', 'b']) }}{{ 'ab'.removeprefix('a') }}",
    '22a-bb',
  ],
])('%s does what Python does', (source, expected) => {
  expect(render(source)).toBe(expected);
});

test.each<[what: string, source: string, expected: string]>([
  ['a thought that is taken out (Qwen 3)', "{%- set c = messages[1].content %}{{ c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}|{{ c.split('</think>')[-1].lstrip('\\n') }}", 'hm | Hello'],
  ['the last question, searched backwards', "{%- set ns = namespace(at=-1) %}{% for m in messages[::-1] %}{% set i = (messages | length - 1) - loop.index0 %}{% if ns.at < 0 and m.role == 'user' %}{% set ns.at = i %}{% endif %}{% endfor %}{{ ns.at }}", '2'],
  ['a macro that calls itself (gpt-oss)', "{% macro show(v) %}{% if v is mapping %}{% for k, w in v.items() %}{{ k }}({{ show(w) }}){% endfor %}{% elif v is string %}{{ v }}{% else %}.{% endif %}{% endmacro %}{{ show(messages[1].tool_calls[0].function) }}", 'name(clock)arguments(zone(UTC)at(.))'],
  ['roles that must alternate (Gemma, Mistral)', "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('no') }}{% endif %}{{ m.role[0] }}{% endfor %}", 'uau'],
  ['a loop that ends early', '{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}', 'assistant'],
  ['marks of what was generated', '{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %} {% endfor %}', 'user assistant user '],
  ['a system message that may be there (Llama 3)', "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}{{ rest | length }}", '3'],
  ['JSON with an indent', '{{ messages[1].tool_calls[0].function.arguments | tojson(indent=2) }}', '{\n  "zone": "UTC",\n  "at": [\n    1,\n    null,\n    true\n  ]\n}'],
])('templates may have %s', (_what, source, expected) => {
  expect(render(source)).toBe(expected);
}); // prettier-ignore

test('a list that holds itself again and again is not printed for ever', () => {
  const doubling =
    '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}';
  expect(() => render(`${doubling}{{ ns.l }}`)).toThrow(/more than 2000000 steps/);
});
