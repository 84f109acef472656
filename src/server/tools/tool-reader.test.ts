import { describe, expect, test } from 'vitest';
import { formatOf } from './formats/families.js';
import { type AnswerForm, type ReadPart, ToolReader } from './tool-reader.js';

const TEMPLATES = {
  hermes: '{% if tools %}<tool_call>{% endif %}',
  mistral: '{% if tools %}[TOOL_CALLS]{% endif %}',
  llama: '{% if tools %}{"name": function name, "parameters": dictionary}{% endif %}',
};
type Template = keyof typeof TEMPLATES;

function readerOf(template: Template, form: AnswerForm = 'mixed'): ToolReader {
  const format = formatOf(TEMPLATES[template]);
  if (!format) throw new Error('no format');
  return new ToolReader(
    format,
    new Map([
      ['f', {}],
      ['g', {}],
    ]),
    form,
  );
}

/** Text and calls of an answer that comes in these pieces. */
function read(reader: ToolReader, pieces: readonly string[]): { text: string; calls: string[] } {
  return summed([...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]);
}

function summed(parts: readonly ReadPart[]): { text: string; calls: string[] } {
  const calls: string[] = [];
  let text = '';
  for (const part of parts) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'call') calls.push(`${part.name} `);
    else calls.push((calls.pop() ?? 'arguments of nothing ') + part.text);
  }
  return { text, calls };
}

/** Whole, character by character, and cut in two at every place. */
function waysToCut(answer: string): string[][] {
  const halves = Array.from(answer, (_, at) => [answer.slice(0, at), answer.slice(at)]);
  return [[answer], [...answer], ...halves];
}

const F = '{"name": "f", "arguments": {"a": "}<x"}}';
const TAGGED = `<tool_call>\n${F}\n</tool_call>`;
const CALL = 'f {"a": "}<x"}';

describe('calls and text are told apart, wherever the answer is cut', () => {
  test.each<[template: Template, answer: string, text: string, calls: string[]]>([
    ['hermes', TAGGED, '', [CALL]],
    ['hermes', `So: ${TAGGED}\n${TAGGED}\n`, 'So: ', [CALL, CALL]],
    ['hermes', `${TAGGED} done`, ' done', [CALL]],
    ['hermes', 'a <tool b', 'a <tool b', []],
    ['hermes', 'a <tool_call', 'a <tool_call', []],
    ['hermes', 'a <<tool_call><tool_call>x', 'a <<tool_call><tool_call>x', []],
    ['hermes', `<tool_call>${TAGGED}`, '<tool_call>', [CALL]],
    ['hermes', '<tool_call>{"name": "no"}</tool_call>.', '<tool_call>{"name": "no"}</tool_call>.', []],
    ['hermes', `<tool_call>{"name": "no"} ${TAGGED}`, '<tool_call>{"name": "no"} ', [CALL]],
    ['hermes', '<tool_call>{"name": "f", "argu', '<tool_call>{"name": "f", "argu', []],
    ['hermes', `<tool_call>${F}`, '', [CALL]],
    ['hermes', `<tool_call>${F}</tool_`, '', [CALL]],
    ['hermes', `<tool_call>[${F}, ${F}]</tool_call>`, '', [CALL, CALL]],
    ['hermes', '<tool_call>{"name": "__proto__", "arguments": {}}</tool_call>', '<tool_call>{"name": "__proto__", "arguments": {}}</tool_call>', []],
    ['mistral', `[TOOL_CALLS][${F}, {"name": "g", "arguments": "{}"}]`, '', [CALL, 'g {}']],
    ['mistral', `[TOOL_CALLS][${F}, {"name": "no"}]`, ' {"name": "no"}]', [CALL]],
    ['mistral', `[TOOL_CALLS][${F}`, '', [CALL]],
    ['mistral', '[TOOL_CALLS][]', '[TOOL_CALLS][]', []],
    ['mistral', 'see [TOOL] and [1]', 'see [TOOL] and [1]', []],
    ['llama', '{"name": "f", "parameters": {"a": 1}}', '', ['f {"a": 1}']],
    ['llama', ' <|python_tag|> {"type": "function", "name": "g", "parameters": {}}', '', ['g {}']],
    ['llama', '{"name": "f", "parameters": {}} or so {', ' or so {', ['f {}']],
    ['llama', '{"a": 1}', '{"a": 1}', []],
    ['llama', 'It is {"name": "f"}', 'It is {"name": "f"}', []],
    ['llama', '<b', '<b', []],
    ['llama', '[1, 2]', '[1, 2]', []],
  ])('%s: %j', (template, answer, text, calls) => {
    for (const pieces of waysToCut(answer)) expect([pieces, read(readerOf(template), pieces)]).toEqual([pieces, { text, calls }]);
  }); // prettier-ignore

  test.each<[what: string, object: string, calls: string[]]>([
    ['arguments before the name', '{"arguments": {"a": [1, {}]}, "name": "f"}', ['f {"a": [1, {}]}']],
    ['arguments as a text', '{"name": "f", "arguments": "{\\"a\\": 1}"}', ['f {"a": 1}']],
    ['no arguments', '{"name": "f"}', ['f {}']],
    ['no arguments, said aloud', '{"name": "f", "arguments": null}', ['f {}']],
    ['more keys behind', '{"name": "f", "arguments": {"b": ""}, "id": "{", "x": {"y": 1}}', ['f {"b": ""}']],
    ['an escaped name', '{"n\\u0061me": "\\u0066", "arguments": {"\\u0061": "\\""}}', ['f {"\\u0061": "\\""}']],
    ['characters of two units', '{"name": "f", "arguments": {"a": "🙂\\\\"}}', ['f {"a": "🙂\\\\"}']],
    ['keys of keys', '{"arguments": {"name": "g", "arguments": {}}, "name": "f"}', ['f {"name": "g", "arguments": {}}']],
    ['the mark in a text', '{"name": "f", "arguments": {"a": "</tool_call>"}}', ['f {"a": "</tool_call>"}']],
    ['a list as arguments', '{"name": "f", "arguments": [{}]}', []],
    ['a text that is no object', '{"name": "f", "arguments": "[]"}', []],
    ['other keys before', '{"city": "Rome", "name": "f", "arguments": {}}', []],
    ['a name that is none', '{"name": 1, "arguments": {}}', []],
  ])('%s', (_, object, calls) => {
    const whole = `<tool_call>\n${object}\n</tool_call>`;
    const text = calls.length === 0 ? whole : '';
    for (const pieces of waysToCut(whole)) expect([pieces, read(readerOf('hermes'), pieces)]).toEqual([pieces, { text, calls }]);
  }); // prettier-ignore
});

test.each<[template: Template, answer: string]>([
  ['hermes', TAGGED],
  ['mistral', `[TOOL_CALLS][${F}]`],
  ['llama', F],
])('%s: arguments are told as they are written', (template, answer) => {
  const reader = readerOf(template);
  const start = answer.indexOf('{"a"');
  const ends = start + '{"a": "}<x"}'.length;
  for (const [at, char] of [...answer].entries()) {
    const begin = at === start ? [{ type: 'call', name: 'f' }] : [];
    const isWritten = at >= start && at < ends;
    expect([at, reader.push(char)]).toEqual([
      at,
      isWritten ? [...begin, { type: 'arguments', text: char }] : [],
    ]);
  }
  expect(reader.end()).toEqual([]);
});

test('a reader knows whether an answer ended in the middle of arguments', () => {
  const isCut = (answer: string): boolean => {
    const reader = readerOf('hermes');
    reader.push(answer);
    reader.end();
    return reader.isInArguments;
  };
  const begun = '<tool_call>{"name": "f", "arguments": {"a": 1';
  expect([begun, `${begun}}`, `${begun}}}`, `${begun}}}</tool_call> {`, 'f'].map(isCut)).toEqual([
    ...[true, false, false, false, false],
  ]);
});

test('a call that is cut off keeps the arguments it has', () => {
  const cut = '<tool_call>\n{"name": "f", "arguments": {"a": "x</tool';
  for (const pieces of waysToCut(cut))
    expect(read(readerOf('hermes'), pieces)).toEqual({ text: '', calls: ['f {"a": "x</tool'] });
});

test('arguments that are broken are told as they are, and end where the call does', () => {
  const broken = `<tool_call>{"name": "f", "arguments": {"a": 'x', }</tool_call> and ${TAGGED}`;
  for (const pieces of waysToCut(broken))
    expect(read(readerOf('hermes'), pieces)).toEqual({ text: ' and ', calls: [`f {"a": 'x', }`, CALL] });
});

test('where answers are either calls or text, text may hold what looks like a call', () => {
  const quoted = `{"a": 1} ${TAGGED}`;
  for (const pieces of waysToCut(quoted))
    expect(read(readerOf('hermes', 'either'), pieces)).toEqual({ text: quoted, calls: [] });
  for (const pieces of waysToCut(` ${TAGGED}\n${TAGGED}`))
    expect(read(readerOf('hermes', 'either'), pieces)).toEqual({ text: '', calls: [CALL, CALL] });
});

test.each<[template: Template, form: AnswerForm, answer: string, text: string, calls: string[]]>([
  ['hermes', 'mixed', `${TAGGED}\n<too`, '\n<too', [CALL]],
  ['hermes', 'either', `${TAGGED}\n<too`, '', [CALL]],
  ['hermes', 'either', '<tool_call>{"na', '', []],
  ['hermes', 'either', '{"na', '{"na', []],
  ['llama', 'either', '{"na', '{"na', []],
  ['llama', 'calls', '{"na', '', []],
  ['mistral', 'calls', `[TOOL_CALLS][${F}, {"na`, '', [CALL]],
])('%s, %s: what is left of %j', (template, form, answer, text, calls) => {
  for (const pieces of waysToCut(answer))
    expect(read(readerOf(template, form), pieces)).toEqual({ text, calls });
});

test('text is held back no longer than it could begin a call', () => {
  const text = (pieces: string[], reader: ToolReader) =>
    pieces.map((piece) => summed(reader.push(piece)).text);
  expect(text(['a <to', 'o', 'p'], readerOf('hermes'))).toEqual(['a ', '', '<toop']);
  expect(text(['{"n', '": 1, "name": "f"'], readerOf('llama'))).toEqual(['', '{"n": 1, "name": "f"']);
  expect(text(['{"name": "Bo', 'b"', ', '], readerOf('llama'))).toEqual(['', '{"name": "Bob"', ', ']);
});

test('a template that shows no way to call is of no format', () => {
  expect(formatOf('{{ messages }}')).toBeUndefined();
  expect(formatOf('{{ tools }}')).toBeUndefined();
});
