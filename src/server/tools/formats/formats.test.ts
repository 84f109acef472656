/**
 * One suite for every way to write calls: chosen by the template, read wherever the answer is cut, and held by a grammar
 * whose texts are read back as the calls that they are.
 */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../core/random.js';
import { draw } from '../../../grammar/accepts.test-support.js';
import { compileGrammar } from '../../../grammar/grammar.js';
import type { Tokenizer } from '../../../tokenizer/index.js';
import { parsedJson } from '../json/json.js';
import { ToolReader } from '../tool-reader.js';
import { callsGrammar } from './call-grammar.js';
import { formatOf, GENERIC } from './families.js';
import type { ToolFormat } from './tool-format.js';

type Sample = {
  readonly template: string;
  /** An answer of text and two calls: clock({zone: "a<b", n: 3}) and stop({}). */
  readonly answer: string;
  readonly text: string;
};

const CLOCK = '{"zone": "a<b", "n": 3}';
const SAMPLES: Readonly<Record<string, Sample>> = {
  hermes: {
    template: '{% if tools %}<tool_call>{% endif %}',
    answer: `So:\n<tool_call>\n{"name": "clock", "arguments": ${CLOCK}}\n</tool_call>\n<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>`,
    text: 'So:\n',
  },
  'qwen-coder': {
    template: '{% if tools %}<tool_call>\n<function=example>{% endif %}',
    answer:
      'So:\n<tool_call>\n<function=clock>\n<parameter=zone>\na<b\n</parameter>\n<parameter=n>\n3\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=stop>\n</function>\n</tool_call>',
    text: 'So:\n',
  },
  mistral: {
    template: '{% if tools %}[TOOL_CALLS][{% endif %}',
    answer: `[TOOL_CALLS][{"name": "clock", "arguments": ${CLOCK}}, {"name": "stop", "arguments": {}}]`,
    text: '',
  },
  'mistral-3': {
    template: '{% if tools %}[TOOL_CALLS]{{ name }}[ARGS]{% endif %}',
    answer: `So: [TOOL_CALLS]clock[ARGS]${CLOCK}[TOOL_CALLS]stop[ARGS]{}`,
    text: 'So: ',
  },
  'llama-3': {
    template: '{% if tools %}{"name": n, "parameters": p}{% endif %}',
    answer: `{"name": "clock", "parameters": ${CLOCK}}`,
    text: '',
  },
  'llama-4': {
    template: '{% if tools %}<|python_start|>[func_name1(params_name1=params_value1)]{% endif %}',
    answer: "[clock(zone='a<b', n=3), stop()]",
    text: '',
  },
  granite: {
    template: '{% if tools %}<|tool_call|>{% endif %}',
    answer: `<|tool_call|>[{"name": "clock", "arguments": ${CLOCK}}, {"name": "stop", "arguments": {}}]`,
    text: '',
  },
  'phi-4': {
    template: '{% if tools %}<|tool_call|>[]<|/tool_call|>{% endif %}',
    answer: `So: <|tool_call|>[{"name": "clock", "arguments": ${CLOCK}}, {"name": "stop", "arguments": {}}]<|/tool_call|>`,
    text: 'So: ',
  },
  command: {
    template: '{% if tools %}<|START_ACTION|>{% endif %}',
    answer: `<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "clock", "parameters": ${CLOCK}},\n    {"tool_call_id": "1", "tool_name": "stop", "parameters": {}}\n]<|END_ACTION|>`,
    text: '',
  },
  'deepseek-3': {
    template: '{% if tools %}<｜tool▁sep｜>\n```json{% endif %}',
    answer: `So: <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>clock\n\`\`\`json\n${CLOCK}\n\`\`\`<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>stop\n\`\`\`json\n{}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    text: 'So: ',
  },
  'deepseek-3.1': {
    template: '{% if tools %}<｜tool▁sep｜>{% endif %}',
    answer: `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>clock<｜tool▁sep｜>${CLOCK}<｜tool▁call▁end｜><｜tool▁call▁begin｜>stop<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    text: '',
  },
  harmony: {
    template: '{% if tools %}<|channel|>commentary to=functions.{% endif %}',
    answer: `<|channel|>commentary to=functions.clock <|constrain|>json<|message|>${CLOCK}<|call|><|channel|>commentary to=functions.stop<|message|>{}<|call|>`,
    text: '',
  },
};

const SCHEMA = {
  type: 'object',
  properties: {
    zone: { type: 'string', enum: ['a<b', 'UTC'] },
    n: { type: 'integer', minimum: 0, maximum: 9 },
  },
  required: ['zone'],
  additionalProperties: false,
};
const EMPTY = { type: 'object', properties: {}, additionalProperties: false };
const FUNCTIONS = new Map<string, unknown>([
  ['clock', SCHEMA],
  ['stop', EMPTY],
]);
/** Knows no special tokens: marks are text. */
const PLAIN = {
  encode: () => [],
  nameOf: () => undefined,
  bytesOf: () => new Uint8Array(),
} as unknown as Tokenizer;

function formatNamed(family: string): ToolFormat {
  const format = formatOf(SAMPLES[family]?.template ?? '');
  if (!format) throw new Error(`no format of ${family}`);
  return format;
}

type Read = { readonly text: string; readonly calls: [name: string, given: unknown][] };

function read(format: ToolFormat, pieces: readonly string[]): Read {
  const reader = new ToolReader(format, FUNCTIONS);
  let text = '';
  const calls: [string, string][] = [];
  for (const part of [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'call') calls.push([part.name, '']);
    else calls[calls.length - 1] = [calls.at(-1)?.[0] ?? '', (calls.at(-1)?.[1] ?? '') + part.text];
  }
  return { text, calls: calls.map(([name, given]) => [name, parsedJson(given)]) };
}

describe.each(Object.keys(SAMPLES))('%s', (family) => {
  const { answer, text } = SAMPLES[family] as Sample;
  const calls = [['clock', { zone: 'a<b', n: 3 }], ...(family === 'llama-3' ? [] : [['stop', {}]])];

  test('is chosen by the template', () => {
    expect(formatNamed(family).family).toBe(family);
  });

  test('is read the same wherever the answer is cut', () => {
    const halves = Array.from(answer, (_, at) => [answer.slice(0, at), answer.slice(at)]);
    for (const pieces of [[answer], [...answer], ...halves])
      expect([pieces, read(formatNamed(family), pieces)]).toEqual([pieces, { text, calls }]);
  });

  test('a call of a function that is not there is text', () => {
    const other = answer.replaceAll('clock', 'lamp').replaceAll('stop', 'lump');
    expect(read(formatNamed(family), [...other]).calls).toEqual([]);
  });

  test('what the grammar allows is read as calls that keep to their schemas', () => {
    const functions = Array.from(FUNCTIONS, ([name, parameters]) => ({ name, parameters, isStrict: true }));
    const automaton = compileGrammar(callsGrammar(formatNamed(family), functions, true, PLAIN));
    const random = seededRandom(5);
    for (let round = 0; round < 10; round += 1) {
      const drawn = draw(automaton, random);
      if (drawn === undefined) continue;
      const { text: rest, calls: made } = read(formatNamed(family), [drawn]);
      expect([drawn, rest.trim()]).toEqual([drawn, '']);
      expect(made.length).toBeGreaterThan(0);
      for (const [name, given] of made) {
        expect([drawn, Object.keys(given as object).filter((key) => !['zone', 'n'].includes(key))]).toEqual([
          drawn,
          [],
        ]);
        if (name === 'clock') expect(['a<b', 'UTC']).toContain((given as { zone: unknown }).zone);
      }
    }
  });
});

test('a template that knows no tools has the generic format, by which answers are held', () => {
  expect(formatOf('{{ messages }}')).toBeUndefined();
  expect(GENERIC.isGeneric).toBe(true);
});
