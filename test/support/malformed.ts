/**
 * Requests that must be refused, made from a seed: bytes as they go onto the wire, each with a name.
 */
import { seededRandom } from '../../src/core/random.js';

export type Malformed = { readonly name: string; readonly bytes: Buffer };

const PATH = '/v1/chat/completions';
const VALID = {
  model: 'quote',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'Hello "you", { and } too' }] },
  ],
  max_tokens: 3,
  temperature: 0.5,
  stop: ['x'],
};

/** A well-formed HTTP request around a body that is not. */
export function posted(body: string | Buffer, path = PATH, headers = ''): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n${headers}Connection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** @returns at least 1,000 of all kinds */
export function malformedRequests(seed: number): Malformed[] {
  const random = seededRandom(seed);
  return [
    ...brokenJson(600, random),
    ...brokenUtf8(60, random),
    ...wrongTypes(),
    ...hugeNumbers(),
    ...deepNesting(),
    ...badMessages(),
    ...badPrompts(),
    ...badHttp(),
  ];
}

/** A valid body with bytes changed, lost or put in until it is no JSON any more. */
function brokenJson(count: number, random: () => number): Malformed[] {
  const valid = Buffer.from(JSON.stringify(VALID));
  return Array.from({ length: count }, (_, index) => {
    let bytes: Buffer = Buffer.from(valid);
    for (let change = 0; change < 3 || isJson(bytes); change++) bytes = changed(bytes, random);
    return { name: `broken JSON ${index}`, bytes: posted(bytes) };
  });
}

function changed(bytes: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * bytes.length);
  const byte = Math.floor(random() * 128);
  const kind = Math.floor(random() * 4);
  if (kind === 0) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
  if (kind === 2) return bytes.subarray(0, Math.max(1, at));
  const copy = Buffer.from(bytes);
  copy[at] = byte;
  return copy;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

/** Bytes that no UTF-8 has, inside of an otherwise valid body. */
function brokenUtf8(count: number, random: () => number): Malformed[] {
  const [before, after] = JSON.stringify(VALID).split('Hello') as [string, string];
  const wrong = ['ff', 'c0af', 'eda080', 'f4908080', '80', 'e28220', 'f09f98', 'fe', 'c1bf', 'f8888080'];
  return Array.from({ length: count }, (_, index) => {
    const bad = Buffer.from(wrong[index % wrong.length] ?? '', 'hex');
    const filler = 'a'.repeat(Math.floor(random() * 5));
    const bytes = Buffer.concat([Buffer.from(before + filler), bad, Buffer.from(after)]);
    return { name: `bad UTF-8 ${index}`, bytes: posted(bytes) };
  });
}

const NUMBERS = [
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'n',
];
const NUMBERS_MORE = ['repetition_penalty', 'frequency_penalty', 'presence_penalty', 'top_logprobs'];
const WRONG_FOR_NUMBERS: readonly unknown[] = ['1', true, [], {}, [1], -300, -300.5, 'NaN', ''];
/** A seed may be any whole number. */
const isFitting = (name: string, value: unknown): boolean => name === 'seed' && Number.isInteger(value);
const WRONG_FOR_OTHERS: Readonly<Record<string, readonly unknown[]>> = {
  stream: ['true', 1, 0, [], {}],
  stop: [1, true, {}, [1], ['x', 1], [{}], Array(99).fill('x'), 'x'.repeat(5000), [null], [['x']]],
  stream_options: [1, 'x', true, [], { include_usage: 1 }, { other: true }],
  logprobs: [1, 'yes', [], {}],
  logit_bias: [1, 'x', true, [1], { x: 1 }, { 1: 'x' }, { 1: 101 }, { 1: -101 }, { '-1': 1 }],
  model: [1, true, [], {}, 'another model'],
  user: ['u'.repeat(1000)],
  messages: [1, 'hello', true, {}, [], [1], [null], [[]], ['hello']],
  response_format: badFormats(),
  tools: [
    1,
    'x',
    true,
    {},
    [1],
    [null],
    [{}],
    [{ type: 'function' }],
    [badTool(1)],
    [badTool('a b')],
    [badTool('')],
  ],
  tool_choice: [
    1,
    true,
    [],
    {},
    'maybe',
    'required',
    { type: 'function' },
    { type: 'function', function: { name: 1 } },
  ],
  parallel_tool_calls: [1, 'true', [], {}],
};

function badTool(name: unknown): object {
  return { type: 'function', function: { name, parameters: {} } };
}

function badFormats(): unknown[] {
  const schemas: unknown[] = [
    ...[
      1,
      'x',
      [],
      { type: 'nothing' },
      { type: 5 },
      { not: {} },
      { $ref: '#' },
      { $ref: 'file:///etc/passwd' },
    ],
    ...[
      { allOf: [{ $ref: '#' }] },
      { anyOf: [] },
      { enum: [] },
      { enum: 1 },
      { properties: 1 },
      { required: [1] },
    ],
    ...[
      { pattern: '(' },
      { pattern: '(a)\\1' },
      { pattern: '^(?:(?:a?){900}){900}$' },
      { pattern: 'a'.repeat(5000) },
    ],
    ...[{ minLength: -1 }, { minLength: 1e9 }, { minItems: 1.5 }, { minimum: '1' }, { multipleOf: 0 }],
    ...[{ minimum: 2, maximum: 1, type: 'integer' }, { enum: Array(30_000).fill('x'.repeat(9)) }],
    ...[{ $ref: '#/$defs/__proto__' }, { $ref: '#/constructor' }],
  ];
  return [
    ...[1, 'json', true, [], {}, { type: 1 }, { type: 'xml' }, { type: 'json_object', extra: 1 }],
    ...[
      1,
      'x',
      { name: 'x', schema: 1 },
      { name: 'x', schema: [] },
      { name: 'x', schema: {}, strict: 1 },
    ].map((json_schema) => ({ type: 'json_schema', json_schema })),
    ...schemas.map((schema) => ({ type: 'json_schema', json_schema: { name: 'x', schema } })),
  ];
}

function wrongTypes(): Malformed[] {
  const cases: [string, unknown][] = [];
  for (const name of [...NUMBERS, ...NUMBERS_MORE])
    for (const value of WRONG_FOR_NUMBERS) if (!isFitting(name, value)) cases.push([name, value]);
  for (const [name, values] of Object.entries(WRONG_FOR_OTHERS))
    for (const value of values) cases.push([name, value]);
  for (const name of [
    'no_such',
    '__proto__',
    'constructor',
    'toString',
    'functions',
    'web_search_options',
    '',
  ])
    for (const value of [1, 'x', true, [1], { a: 1 }]) cases.push([name, value]);
  return cases.map(([name, value]) => ({
    name: `${name} = ${JSON.stringify(value).slice(0, 40)}`,
    bytes: posted(withField(name, JSON.stringify(value))),
  }));
}

/** Written out, since objects can not hold every name and number that JSON can. */
function withField(name: string, json: string): string {
  const others = Object.entries(VALID).filter(([key]) => key !== name);
  const fields = others.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${[...fields, `${JSON.stringify(name)}:${json}`].join(',')}}`;
}

function hugeNumbers(): Malformed[] {
  const huge = [
    '1e999',
    '-1e999',
    '1e308',
    '-9007199254740993',
    `9${'0'.repeat(400)}`,
    '1e-400e',
    '0x10',
    'NaN',
  ];
  return [...NUMBERS, ...NUMBERS_MORE].flatMap((name) =>
    huge.map((json) => ({ name: `${name} = ${json.slice(0, 20)}`, bytes: posted(withField(name, json)) })),
  );
}

function deepNesting(): Malformed[] {
  const depths = [65, 100, 1000, 10_000, 100_000];
  const shapes: [string, string][] = [
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"a":[', ']}]'],
    ['[', ''],
  ];
  return depths.flatMap((depth) =>
    shapes.flatMap(([open, close]) => {
      const json = `${open.repeat(depth)}1${close.repeat(depth)}`;
      const places = [json, withField('messages', json), withField('extra', json)];
      return places.map((body, place) => ({ name: `depth ${depth} ${open} ${place}`, bytes: posted(body) }));
    }),
  );
}

function badMessages(): Malformed[] {
  const messages: unknown[] = [
    [{}],
    [{ role: 'user' }],
    [{ content: 'x' }],
    [{ role: 'robot', content: 'x' }],
    [{ role: 1, content: 'x' }],
    [{ role: 'user', content: 1 }],
    [{ role: 'user', content: {} }],
    [{ role: 'user', content: null }],
    [{ role: 'user', content: [1] }],
    [{ role: 'user', content: [{ type: 'text' }] }],
    [{ role: 'user', content: [{ type: 'text', text: 1 }] }],
    [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }],
    [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }],
    [{ role: 'user', content: 'x', extra: 1 }],
    [{ role: 'user', content: 'x', name: 1 }],
    [{ role: 'user', content: 'x', tool_calls: [{}] }],
    [{ role: 'tool', content: 'x' }],
    [{ role: 'tool', content: 'x', tool_call_id: 1 }],
    [{ role: 'assistant', content: null, tool_calls: 'x' }],
    [{ role: 'assistant', content: null, tool_calls: [null] }],
    [
      {
        role: 'assistant',
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: [1] } }],
      },
    ],
    [
      {
        role: 'assistant',
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '['.repeat(9999) } }],
      },
    ],
    [{ role: '__proto__', content: 'x' }],
    [{ role: 'toString', content: 'x' }],
    Array(5000).fill({ role: 'user', content: 'x' }),
    [{ role: 'user', content: Array(5000).fill({ type: 'text', text: 'x' }) }],
  ];
  return messages.map((value, index) => ({
    name: `messages ${index}`,
    bytes: posted(withField('messages', JSON.stringify(value))),
  }));
}

function badPrompts(): Malformed[] {
  const prompts = [
    '1',
    '""',
    '[]',
    '{}',
    'true',
    '[1.5]',
    '[-1]',
    '[1e10]',
    '[[]]',
    '[1,"x"]',
    '[null]',
    '[[1],["x"]]',
    '[1e999]',
  ];
  const many = JSON.stringify(Array(129).fill('x'));
  return [...prompts, many, JSON.stringify([300, 70_000])].map((prompt) => ({
    name: `prompt ${prompt.slice(0, 20)}`,
    bytes: posted(`{"prompt":${prompt}}`, '/v1/completions'),
  }));
}

function badHttp(): Malformed[] {
  const body = '{"messages":[{"role":"user","content":"x"}]}';
  const host = 'Host: 127.0.0.1\r\n';
  const json = 'Content-Type: application/json\r\n';
  const raw: [string, string][] = [
    ['no method', `\r\n\r\nxx\r\n\r\n`],
    ['not HTTP', 'hello there\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['HTTP/9', `POST ${PATH} HTTP/9.9\r\n${host}\r\n`],
    ['no host', `GET /v1/models HTTP/1.1\r\n\r\n`],
    ['another host', `GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n`],
    [
      'both lengths',
      `POST ${PATH} HTTP/1.1\r\n${host}${json}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'two lengths',
      `POST ${PATH} HTTP/1.1\r\n${host}${json}Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}`,
    ],
    ['negative length', `POST ${PATH} HTTP/1.1\r\n${host}${json}Content-Length: -1\r\n\r\n`],
    [
      'bad chunk',
      `POST ${PATH} HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    ],
    [
      'huge chunk',
      `POST ${PATH} HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}`,
    ],
    ['unknown coding', `POST ${PATH} HTTP/1.1\r\n${host}${json}Transfer-Encoding: gzip\r\n\r\n`],
    [
      'gzip',
      `POST ${PATH} HTTP/1.1\r\n${host}${json}Content-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    ],
    ['declared too large', `POST ${PATH} HTTP/1.1\r\n${host}${json}Content-Length: 99999999999\r\n\r\n{`],
    ['long header', `GET /healthz HTTP/1.1\r\n${host}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['long path', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`],
    ['nul in header', `GET /healthz HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`],
    ['space in name', `GET /healthz HTTP/1.1\r\n${host}X Y: a\r\n\r\n`],
    ['upward path', `GET /../../etc/passwd HTTP/1.1\r\n${host}Connection: close\r\n\r\n`],
    ['coded path', `GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n${host}Connection: close\r\n\r\n`],
    ['broken coding', `GET /%zz HTTP/1.1\r\n${host}Connection: close\r\n\r\n`],
    ['wrong method', `DELETE ${PATH} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`],
    [
      'wrong type from a page',
      `POST ${PATH} HTTP/1.1\r\n${host}Origin: https://example.org\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    ],
    [
      'no type from a page',
      `POST ${PATH} HTTP/1.1\r\n${host}Origin: null\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    ],
    [
      'other charset',
      `POST ${PATH} HTTP/1.1\r\n${host}Content-Type: application/json; charset=utf-16\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    ],
    ['bad deadline', posted(body, PATH, 'X-Kvr-Deadline-Ms: soon\r\n').toString('latin1')],
    ['bad progress', posted(body, PATH, 'X-Kvr-Progress: loud\r\n').toString('latin1')],
    ['plan without context', `GET /kvr/plan HTTP/1.1\r\n${host}Connection: close\r\n\r\n`],
    ['plan of nothing', `GET /kvr/plan?context=0 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`],
    [
      'plan of too many',
      `GET /kvr/plan?context=1k&workers=99999&link=1Gbit HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    ],
    [
      'plan of a bad link',
      `GET /kvr/plan?context=1k&workers=2&link=fast HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    ],
  ];
  return raw.map(([name, text]) => ({ name, bytes: Buffer.from(text, 'latin1') }));
}
