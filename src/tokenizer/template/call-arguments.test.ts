import { expect, test } from 'vitest';
import { ChatTemplates } from '../chat-template.js';

const NAMES = { bos_token: undefined, eos_token: undefined, unk_token: undefined, pad_token: undefined };
const MESSAGES = [
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ function: { name: 'clock', arguments: { zone: 'UTC' } } }],
  },
];
const render = (source: string): string =>
  new ChatTemplates(new Map([['default', source]]), NAMES).render(MESSAGES);
const OF_CALL = '{% set c = messages[0].tool_calls[0].function %}';

test.each([
  ["{{ c.name + '\\n' + c['arguments'] + '\\n' }}", 'clock\n{"zone":"UTC"}\n'],
  ['{{ c.arguments }}', '{"zone":"UTC"}'],
  ["{{ '{' ~ c.arguments ~ '}' }}", '{{"zone":"UTC"}}'],
  ['{{ c.arguments | tojson }}', '{"zone": "UTC"}'],
  ['{% for k, v in c.arguments.items() %}{{ k }}{{ v }}{% endfor %}', 'zoneUTC'],
  ['{% for k, v in c.arguments|items %}{{ k }}{{ v }}{% endfor %}', 'zoneUTC'],
  ['{% if c.arguments is string %}{{ c.arguments }}{% else %}{{ c.arguments | tojson }}{% endif %}', '{"zone": "UTC"}'],
])('%s gets arguments in the form that it wants', (source, expected) => {
  expect(render(OF_CALL + source)).toBe(expected);
}); // prettier-ignore
