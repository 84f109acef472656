import { expect, test } from 'vitest';
import { accepts } from './accepts.test-support.js';
import { checkGrammar, compileGrammar } from './grammar.js';

const loose = (schema: unknown) => ({ type: 'json', schema, isLoose: true });

test('what can not be held is left out and told, the rest is held', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'array', items: { type: 'number' }, uniqueItems: true, maxItems: 2 },
      b: { type: 'string', pattern: '(x)\\1', maxLength: 2 },
    },
    required: ['a', 'b'],
  };
  expect(checkGrammar(loose(schema))).toEqual(['#/properties/a: uniqueItems', '#/properties/b: pattern']);
  expect(() => checkGrammar({ type: 'json', schema })).toThrow(/with strict: false it is left out/);
  const automaton = compileGrammar(loose(schema));
  expect(accepts(automaton, Buffer.from('{"a":[1,1],"b":"yy"}'))).toBe(true);
  expect(accepts(automaton, Buffer.from('{"a":[1,1,1],"b":"yy"}'))).toBe(false);
  expect(accepts(automaton, Buffer.from('{"a":[],"b":"yyy"}'))).toBe(false);
  expect(schema.properties.a.uniqueItems).toBe(true);
});

test('options that can not be told apart are options all the same', () => {
  const schema = { oneOf: [{ patternProperties: { '^a': true } }, { type: 'object' }, { type: 'null' }] };
  expect(checkGrammar(loose(schema))).toEqual(['#: oneOf']);
  const automaton = compileGrammar(loose(schema));
  expect(['{"a":1}', 'null', '1'].filter((text) => accepts(automaton, Buffer.from(text)))).toEqual(['{"a":1}', 'null']);
}); // prettier-ignore

test('a required name that has no place is told, whether a schema is loose or not', () => {
  const schema = {
    type: 'object',
    properties: { a: true },
    required: ['a', 'b'],
    additionalProperties: false,
  };
  expect(checkGrammar({ type: 'json', schema })).toEqual(['#: required "b"']);
});

test('what is wrong, and not only too much, is refused all the same', () => {
  expect(() => checkGrammar(loose({ type: 'text' }))).toThrow('type must be of');
  expect(() => checkGrammar(loose({ const: 1, type: 'string' }))).toThrow('no text can satisfy it');
});

test('a pattern that is too ambiguous is left out on both sides', () => {
  const schema = { type: 'string', pattern: '^.*a.{1000}$', maxLength: 5 };
  expect(checkGrammar(loose(schema))).toEqual(['#: pattern']);
  expect(checkGrammar(loose({ type: 'string', pattern: '^.*a.{1000}$' }))).toEqual(['#: pattern']);
  expect(
    accepts(compileGrammar(loose({ type: 'string', pattern: '^.*a.{1000}$' })), Buffer.from('"x"')),
  ).toBe(true);
});
