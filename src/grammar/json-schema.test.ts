import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../core/random.js';
import { acceptsSchema, draw } from './accepts.test-support.js';
import { compileGrammar } from './grammar.js';

const nested = (depth: number): object => (depth === 0 ? {} : { type: 'array', items: nested(depth - 1) });
const compile = (schema: unknown) => compileGrammar({ type: 'json', schema });

test.each<[schema: unknown, good: string[], bad: string[]]>([
  [true, ['1', '-0.5e+10', '"\\u00e9\\ud83d\\ude00é😀"', '[]', '{"a": [null, true]}', '{\n  "a": 1\n}'], ['', '01', '"\\ud83d"', '[1,]', '{a:1}', ' 1', '1 ', '"\n"', '{"a":1,}']],
  [{ type: 'object' }, ['{}', '{ "x": {} }'], ['[]', '1']],
  [{ properties: { a: { type: 'integer' }, b: true }, required: ['b'] }, ['{"b":1}', '{"a":1,"b":null}'], ['{"a":1}', '{"b":1,"a":1}', '{"b":1,"c":1}', '{"a":1.5,"b":1}']],
  [{ properties: { a: true, ab: true }, additionalProperties: { type: 'null' } }, ['{}', '{"a":1,"b":null}', '{"abc":null}', '{"":null}', '{"é":null}'], ['{"b":1}', '{"a":1,"a":null}', '{"ab":1,"ab":null}']],
  [{ type: 'object', propertyNames: { pattern: '^[ab]$' }, additionalProperties: { const: 1 } }, ['{"a":1}'], ['{"c":1}', '{"a":2}']],
  [{ type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 2 }, ['[true]', '[true, false]'], ['[]', '[true,true,true]', '[1]']],
  [{ type: 'array', prefixItems: [{ const: 1 }, { const: 2 }], minItems: 1 }, ['[1]', '[1,2]'], ['[]', '[2]', '[1,2,3]']],
  [{ enum: ['a', 1, null, { b: [1] }] }, ['"a"', '1', 'null', '{"b":[1]}'], ['"b"', '2', '{"b": [1]}']],
  [{ enum: ['a', 1], type: 'string' }, ['"a"'], ['1']],
  [{ type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"é😀"', '"\\n\\u0041\\ud83d\\ude00"'], ['"a"', '"abcd"']],
  [{ type: 'integer', minimum: -3, exclusiveMaximum: 12 }, ['-3', '0', '11', '-0'], ['-4', '12', '1.0', '1e1']],
  [{ type: 'number', exclusiveMinimum: 0.5, maximum: 2 }, ['0.51', '1', '2', '2.0', '0.5000001'], ['0.5', '2.01', '3', '-1', '0.']],
  [{ oneOf: [{ type: 'string' }, { type: 'integer' }] }, ['"a"', '1'], ['null']],
  [{ allOf: [{ $ref: '#/$defs/a' }, { required: ['x'] }], $defs: { a: { properties: { x: { type: 'null' } } } } }, ['{"x":null}'], ['{}']],
  [{ type: 'object', properties: { self: { $ref: '#' } }, additionalProperties: false }, ['{}', '{"self":{"self":{}}}'], ['{"self":1}']],
  [{ format: 'date' }, ['"2024-02-29"', '"1999-12-31"'], ['"2023-02-29"', '"2023-13-01"', '"2023-04-31"']],
  [{ properties: { a: false, b: true } }, ['{}', '{"b":1}'], ['{"a":1}']],
  [JSON.parse('{"properties":{"__proto__":{"type":"null"}},"required":["__proto__"]}'), ['{"__proto__":null}'], ['{}', '{"__proto__":1}']],
])('%j', (schema, good, bad) => {
  for (const text of good) expect([text, acceptsSchema(schema, text)]).toEqual([text, true]);
  for (const text of bad) expect([text, acceptsSchema(schema, text)]).toEqual([text, false]);
}); // prettier-ignore

test('texts drawn at random are valid, as another validator tells', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const random = seededRandom(3);
  const schemas: object[] = [
    { type: ['number', 'string', 'null'], minimum: -1.5, maximum: 1e3, maxLength: 3 },
    { type: 'integer', exclusiveMinimum: 9, exclusiveMaximum: 111 },
    { type: 'number', minimum: 1e-7, maximum: 1e-6 },
    { type: 'string', pattern: '(a|bc)+[^x-z]$' },
    { type: 'object', properties: { a: { maxLength: 2 }, b: { type: 'array', maxItems: 2 } }, required: ['b'], additionalProperties: true },
    { anyOf: [{ const: 'x' }, { type: 'array', items: { enum: [1, 2] }, minItems: 2, maxItems: 3 }] },
  ];
  for (const schema of schemas) {
    const automaton = compile(schema);
    const texts = Array.from({ length: 40 }, () => draw(automaton, random)).filter((text) => text !== undefined);
    expect(texts.length).toBeGreaterThan(10);
    for (const text of texts)
      expect([text, ajv.validate(schema, JSON.parse(text)), ajv.errors]).toEqual([text, true, null]);
  }
}); // prettier-ignore

describe('refused by name', () => {
  test.each<[what: string, schema: unknown, message: string]>([
    ['a keyword', { properties: { a: { not: {} } } }, '#/properties/a: the keyword "not" is not supported'],
    ['a keyword that JSON can name', JSON.parse('{"__proto__":1}'), 'the keyword "__proto__"'],
    ['steps', { type: 'number', multipleOf: 2 }, '"multipleOf"'],
    ['patterns of names', { patternProperties: { a: true } }, '"patternProperties"'],
    ['overlapping options', { oneOf: [{ type: 'string' }, { minLength: 2, type: 'string' }] }, 'may overlap'],
    ['a format', { type: 'string', format: 'iri' }, 'the format "iri" is not supported'],
    ['a pattern with a look-ahead', { pattern: '^(?=a)b' }, 'not supported'],
    ['a pattern with a back reference', { pattern: '(a)\\1' }, 'not supported'],
    ['a pattern that is none', { pattern: '(' }, 'not a regular expression'],
    ['a pattern and a length', { pattern: 'a', minLength: 1 }, 'only one is supported'],
    ['an unknown type', { type: 'text' }, 'type must be of'],
    ['a foreign reference', { $ref: 'https://example.org/x' }, '$ref must begin with'],
    ['a reference to nothing', { $ref: '#/$defs/__proto__' }, 'leads nowhere'],
    ['no schema', [], 'must be an object'],
    ['nothing possible', { type: 'integer', minimum: 5, maximum: 4 }, 'no text can satisfy it'],
    ['itself without end', { $ref: '#' }, 'no text can satisfy it'],
    ['itself in itself', { allOf: [{ $ref: '#' }] }, 'itself without end'],
    ['wrong kinds', { type: 'object', properties: [] }, 'properties must be an object'],
    ['wrong counts', { type: 'string', minLength: -1 }, 'minLength must be'],
    ['wrong bounds', { type: 'integer', minimum: '1' }, 'minimum must be a number'],
    ['depth', nested(70), 'deeper than 64'],
    ['size', { enum: Array.from({ length: 20_000 }, (_, index) => `value ${index}`) }, 'characters of JSON'],
    ['a long pattern', { pattern: 'a'.repeat(2000) }, 'longer than 1000'],
  ])('%s', (_, schema, message) => {
    expect(() => compile(schema)).toThrow(message);
  });
});

describe('hostile schemas are refused by what they come to, long before they are worked out', () => {
  const doubled = Object.fromEntries(
    Array.from({ length: 40 }, (_, level) => [
      `d${level}`,
      { anyOf: [1, 2].map((minLength) => ({ $ref: `#/$defs/d${level + 1}`, minItems: minLength })) },
    ]),
  );
  test.each<[what: string, schema: unknown]>([
    ['references that double', { $defs: { ...doubled, d40: { type: 'array' } }, $ref: '#/$defs/d0' }],
    ['repeats of repeats', { pattern: '^(?:(?:a{0,1000}){0,1000}){0,1000}$' }],
    ['many readings', { pattern: `^${'(?:a?){900}'.repeat(40)}b$` }],
  ])('%s', (_, schema) => {
    const follow = () => {
      const automaton = compile(schema);
      let state = automaton.start;
      for (const byte of Buffer.from(`"${'a'.repeat(50)}`)) state = automaton.step(state, byte) ?? state;
    };
    expect(follow).toThrow(/readings of one text|comes to more than|without end/);
  });

  test('a thousand properties and values are taken', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `p${index}`);
    const values = names.map((name) => [name, { $ref: '#/$defs/v' }] as const);
    const schema = { properties: Object.fromEntries(values), $defs: { v: { enum: names } } };
    expect(acceptsSchema(schema, '{"p7":"p999","p999":"p0"}')).toBe(true);
    expect(acceptsSchema(schema, '{"p7":"p1000"}')).toBe(false);
  });
});
