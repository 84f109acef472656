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
  // Formats and keywords that nobody knows only annotate.
  [{ type: 'string', format: 'markdown', errorMessage: 'no', $anchor: 'x' }, ['"x"'], ['1']],
  [{ properties: { a: { $ref: '#it' }, b: { $ref: 'http://e/x#it' } }, $defs: { i: { $anchor: 'it', type: 'null' } }, $id: 'http://e/x' }, ['{"a":null,"b":null}'], ['{"a":1}']],
  [JSON.parse('{"__proto__":1}'), ['1'], []],
  [{ type: 'string', nullable: true }, ['"a"', 'null'], ['1']],
  [{ type: 'STRING', maxLength: 1 }, ['"a"'], ['"ab"']],
  [{ type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 3, exclusiveMaximum: false }, ['1', '3'], ['0', '4']],
  [{ type: 'integer', multipleOf: 5, minimum: -6 }, ['-5', '0', '10', '995'], ['-10', '1', '12']],
  [{ type: 'number', multipleOf: 0.25, maximum: 1, exclusiveMinimum: 0 }, ['0.25', '0.5', '1', '1.0', '0.750'], ['0', '0.3', '1.25', '2']],
  [{ type: 'number', multipleOf: 2, allOf: [{ multipleOf: 3 }] }, ['6', '12.0', '-6', '0'], ['2', '3', '6.5']],
  [{ type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 3 }, ['"ab"', '"abc"'], ['"a"', '"abcd"', '"a1"']],
  [{ type: 'string', format: 'uri', minLength: 1, maxLength: 15 }, ['"http://a.bc"'], ['"http://a.bcdefghij"', '"a"']],
  [{ type: 'string', pattern: '^(?=.*\\d).{3,}$', allOf: [{ pattern: '^[a-z0-9]*$' }] }, ['"a1b"'], ['"abc"', '"a1"', '"a1-"']],
  [{ enum: ['aa', 'ba', 1], pattern: '^a' }, ['"aa"', '1'], ['"ba"']],
  [{ enum: [1, 2, null], const: 2 }, ['2'], ['1', 'null']],
  [{ type: 'string', not: { enum: ['a', 'b'] } }, ['"c"', '"ab"', '""'], ['"a"', '"b"', '1']],
  [{ type: 'integer', not: { const: 3 }, minimum: 2, maximum: 4 }, ['2', '4'], ['3']],
  [{ not: { type: ['object', 'array', 'string', 'null'] } }, ['1.5', 'true'], ['null', '"a"']],
  [{ type: 'string', not: { pattern: 'a' }, maxLength: 3 }, ['"b"'], ['"bab"']],
  [{ type: 'object', properties: { a: { type: 'integer' } }, not: { required: ['b'] }, additionalProperties: true }, ['{"a":1,"c":2}'], ['{"a":1,"b":2}']],
  [{ oneOf: [{ type: 'string' }, { minLength: 2, type: 'string' }] }, ['"a"'], ['"ab"']],
  [{ oneOf: [{ type: 'object', properties: { A: { type: 'null' } }, required: ['A'], additionalProperties: false }, { type: 'object', properties: { B: { type: 'null' } }, required: ['B'], additionalProperties: false }] }, ['{"A":null}', '{"B":null}'], ['{}', '{"A":null,"B":null}']],
  [{ oneOf: [{ type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }, { type: 'object', properties: { a: { type: 'integer', maximum: 3 }, b: true }, required: ['a', 'b'] }] }, ['{"a":1}', '{"a":4}'], ['{"a":1,"b":1}']],
  [{ oneOf: [{ type: 'integer' }, { type: 'number', minimum: 5 }] }, ['1'], ['5']],
  [{ type: 'object', properties: { v: { type: 'string' }, n: { type: 'integer' } }, required: ['v'], if: { properties: { v: { const: 'x' } } }, then: { required: ['n'] }, else: { properties: { n: false } } }, ['{"v":"x","n":1}', '{"v":"y"}'], ['{"v":"x"}', '{"v":"y","n":1}']],
  [{ type: 'object', properties: { a: { type: 'null' } }, dependentRequired: { a: ['b'] } }, ['{}', '{"a":null,"b":1}'], ['{"a":null}']],
  [{ type: 'object', properties: { a: { type: 'null' } }, dependentSchemas: { a: { properties: { b: { const: 1 } }, required: ['b'] } } }, ['{}', '{"a":null,"b":1}'], ['{"a":null}', '{"a":null,"b":2}']],
  [{ allOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }, { properties: { b: { type: 'string' } } }] }, ['{"a":""}'], ['{"a":"","b":""}', '{}']],
  [{ allOf: [{ properties: { a: { minimum: 2 } } }, { properties: { a: { type: 'integer', maximum: 3 } } }] }, ['{"a":2}', '{}'], ['{"a":1}', '{"a":4}']],
  [{ type: 'object', properties: { a: true }, required: ['a', 'b'], additionalProperties: false }, ['{"a":1}'], ['{"a":1,"b":1}', '{}']],
  [{ type: 'object', patternProperties: { '^x-': { type: 'integer' } }, properties: { 'x-a': { maximum: 2 } } }, ['{"x-a":1,"x-b":5}', '{}'], ['{"x-a":3}', '{"x-b":"c"}', '{"y":1}']],
  [{ type: 'object', patternProperties: { a: { type: 'integer' }, b: { minimum: 3 } }, additionalProperties: { type: 'null' } }, ['{"a":1,"ab":3,"b":4,"c":null}'], ['{"ab":1}', '{"ab":3.5}', '{"c":1}', '{"b":2}']],
  [{ type: 'object', propertyNames: { enum: ['a', 'b'] }, additionalProperties: { type: 'integer' } }, ['{"a":1}', '{"a":1,"b":2}'], ['{"c":1}', '{"a":1,"a":2}']],
  [{ type: 'object', propertyNames: { maxLength: 1 }, properties: { a: true, bc: true }, additionalProperties: { type: 'integer' } }, ['{"a":null,"d":1}'], ['{"bc":1}', '{"de":1}']],
  [{ type: 'object', properties: { a: true, b: true, c: true }, minProperties: 1, maxProperties: 2 }, ['{"a":1}', '{"b":1,"c":1}'], ['{}', '{"a":1,"b":1,"c":1}']],
  [{ type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 2 }, ['{"a":1}', '{"b":1,"c":1}'], ['{}', '{"a":1,"b":1,"c":1}']],
  [{ allOf: [{ properties: { a: { type: 'null' } } }], properties: { b: { type: 'null' } }, unevaluatedProperties: false }, ['{"b":null,"a":null}'], ['{"c":1}']],
  [{ type: 'array', contains: { const: 1 }, items: { type: 'integer' } }, ['[1]', '[0,1]', '[1,0]', '[0, 1, 1, 0]'], ['[]', '[0]', '[1,null]']],
  [{ type: 'array', contains: { const: 1 }, minContains: 2, maxItems: 3 }, ['[1,1]', '[1,"a",1]'], ['[1]', '[1,2,3]', '[1,1,1,1]']],
  [{ type: 'array', prefixItems: [{ type: 'null' }], contains: { const: 1 }, minItems: 3, items: { type: 'integer' } }, ['[null,0,1]', '[null,1,0,0]'], ['[1,1,1]', '[null,1]', '[null,0,0]']],
  [{ type: 'array', items: [{ const: 1 }], additionalItems: { const: 2 } }, ['[1]', '[1,2,2]'], ['[1,1]', '[2]']],
  [{ allOf: [{ items: { minimum: 2 } }, { items: { type: 'integer', maximum: 3 }, maxItems: 2 }] }, ['[2,3]', '[]'], ['[1]', '[2,2,2]']],
  [{ type: 'array', items: { enum: ['a', 'b', 1] }, uniqueItems: true, minItems: 2 }, ['["a","b"]', '[1, "a"]', '["b","a",1]'], ['["a"]', '["a","a"]', '["a","b","a"]', '["a","b",1,"a"]']],
  [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, ['[]', '["a"]', '["a","b","é"]', '["", "x"]'], ['["a","a"]', '["a","b","a"]', '["",""]', '[1]', '["a",]']],
  [{ type: 'array', items: { type: 'integer' }, uniqueItems: true, maxItems: 2 }, ['[0,-7]', '[12]'], ['[0,-0]', '[5,5]', '[1,2,3]', '[-0]']],
  [{ type: 'array', items: { type: 'integer', minimum: 1, maximum: 3 }, uniqueItems: true, minItems: 3 }, ['[3,1,2]'], ['[3,1]', '[1,1,2]', '[4,1,2]']],
  [{ type: 'array', items: { type: 'boolean' }, uniqueItems: true }, ['[true,false]', '[]'], ['[true,true]', '[true,false,true]']],
  [{ type: 'array', items: { pattern: '^[ab]+$' }, uniqueItems: true, minItems: 2 }, ['["a","b"]'], ['["a"]', '["a","a"]']],
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
    const texts = Array.from({ length: 20 }, () => draw(automaton, random)).filter((text) => text !== undefined);
    expect(texts.length).toBeGreaterThan(10);
    for (const text of texts)
      expect([text, ajv.validate(schema, JSON.parse(text)), ajv.errors]).toEqual([text, true, null]);
  }
}); // prettier-ignore

describe('refused by name', () => {
  test.each<[what: string, schema: unknown, message: string]>([
    [
      'what has no opposite',
      { properties: { a: { not: { propertyNames: { maxLength: 1 } } } } },
      '#/properties/a: "not" is held for',
    ],
    [
      'items that have many spellings',
      { type: 'array', items: { type: 'number' }, uniqueItems: true },
      '"uniqueItems" is held for',
    ],
    [
      'more different items than there are',
      { type: 'array', items: { type: 'boolean' }, uniqueItems: true, minItems: 3 },
      'more different items',
    ],
    ['what can not be counted', { contains: true, maxContains: 2 }, '"maxContains" is not held'],
    [
      'overlapping options',
      { oneOf: [{ patternProperties: { a: true } }, { type: 'object' }] },
      'may overlap',
    ],
    ['a look ahead that nothing fulfils', { pattern: '^(?=a)b' }, 'no text can satisfy it'],
    ['a pattern with a back reference', { pattern: '(a)\\1' }, 'not supported'],
    ['a pattern that is none', { pattern: '(' }, 'not a regular expression'],
    [
      'more names than there are',
      { properties: { a: true }, minProperties: 3, additionalProperties: true },
      'more than the names',
    ],
    ['steps of nothing', { multipleOf: 0 }, 'must be above 0'],
    ['an unknown type', { type: 'text' }, 'type must be of'],
    ['a foreign reference', { $ref: 'https://example.org/x' }, 'must name a part of the schema itself'],
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
