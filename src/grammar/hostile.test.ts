/** Grammars that are small and come to a lot: each is refused by a count, or made cheap. */
import { expect, test } from 'vitest';
import { checkGrammar, compileGrammar } from './grammar.js';
import { Automaton } from './automaton.js';
import { schemaTerm } from './json-schema.js';
import { MAX_GRAMMAR_WORK, Meter } from './limits/meter.js';

const members = (count: number, value: unknown = true): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, value]));
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const defined = (anyOf: unknown[]): object => ({
  $defs: { d: { type: 'object', properties: members(4000) } },
  anyOf,
});

/** What it costs, read to the end or to where it is refused. */
function workOf(schema: unknown): number {
  const meter = new Meter();
  try {
    new Automaton(schemaTerm(schema, meter), meter);
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_INPUT' });
  }
  return meter.spent;
}

test('a definition that many places refer to with the same words beside is read once', () => {
  const once = workOf(defined(many(1, () => ({ $ref: '#/$defs/d', required: ['p1'] }))));
  const often = workOf(defined(many(800, () => ({ $ref: '#/$defs/d', required: ['p1'] }))));
  expect(often).toBeLessThan(1.2 * once);
});

test.each<[what: string, schema: unknown]>([
  ['a definition with other words beside each reference', defined(many(800, (i) => ({ $ref: '#/$defs/d', required: [`p${i}`] })))],
  ['options that are compared with each other', { oneOf: many(5000, (i) => ({ const: i })) }],
  ['patterns of long classes', { anyOf: many(90, (k) => ({ pattern: `^[^${many(900, (i) => String.fromCharCode(0x4e00 + 2 * i + k)).join('')}]$` })) }],
  ['bounds of numbers', { anyOf: many(3000, (i) => ({ type: 'number', minimum: i })) }],
])('%s are refused after a bounded amount of work', (_what, schema) => {
  expect(() => compileGrammar({ type: 'json', schema })).toThrow(expect.objectContaining({ code: 'BAD_INPUT', fields: { budget: 'grammar' } }));
  // What is refused goes over the limit by no more than the last step of work.
  expect(workOf(schema)).toBeLessThan(1.1 * MAX_GRAMMAR_WORK);
}); // prettier-ignore

/** Options that all overlap. */
const options = (count: number, make: (index: number) => object): object => ({ anyOf: many(count, make) });

test.each<[what: string, schema: unknown]>([
  ['choices that multiply', { allOf: many(16, (k) => options(4, (i) => ({ required: [`p${k}_${i}`] }))) }],
  ['choices of choices', { allOf: many(40, (k) => ({ not: { required: [`p${k}`, `q${k}`] } })) }],
  ['opposites of opposites', { not: { allOf: many(20, (k) => ({ not: { anyOf: many(20, (i) => ({ required: [`p${k}`, `q${i}`] })) } })) } }],
  ['options that overlap', { oneOf: many(300, (i) => ({ type: 'object', properties: members(3), required: [`p${i}`] })) }],
  ['conditions', { allOf: many(30, (k) => ({ if: { properties: { [`p${k}`]: { const: k } } }, then: { required: [`q${k}`] } })) }],
  ['dependencies', { type: 'object', dependentRequired: Object.fromEntries(many(200, (k) => [`p${k}`, [`q${k}`]])) }],
  ['patterns of names', { type: 'object', patternProperties: Object.fromEntries(many(6, (k) => [`(?=.*${k}).{20}[a-z]`, true])) }],
  ['patterns that hold together', { type: 'string', allOf: many(30, (k) => ({ pattern: `(a|b).{${k}}c` })) }],
  ['counted items', { type: 'array', contains: { type: 'string' }, minContains: 200, maxItems: 100_000 }],
  ['counted names', { type: 'object', properties: members(2000), minProperties: 400, maxProperties: 450 }],
  ['listed values beside patterns', { enum: many(2000, (i) => `v${i}`), allOf: many(50, (k) => ({ pattern: `v|${k}` })) }],
  ['a definition of many properties in many places', { $defs: { d: { type: 'object', properties: members(4000) } }, type: 'object', properties: Object.fromEntries(many(800, (i) => [`r${i}`, { $ref: '#/$defs/d', minProperties: i % 7 }])) }],
  ['steps without end', { type: 'number', allOf: many(60, (k) => ({ multipleOf: 1 + k / 1000 })) }],
])('%s come to a bounded amount of work', (_what, schema) => {
  expect(workOf(schema)).toBeLessThan(1.1 * MAX_GRAMMAR_WORK);
}); // prettier-ignore

test.each<[what: string, schema: unknown]>([
  ['a pattern with ever more readings', { type: 'string', pattern: '^.*a.{1000}$' }],
  ['repeats of repeats', { type: 'string', pattern: '^((a{0,1000}){0,1000}){0,1000}$' }],
  ['such a pattern behind an ordinary member', { type: 'object', properties: { a: { type: 'string' }, b: { pattern: '^.*a.{1000}$' } }, required: ['a', 'b'] }],
])('%s is found before anything is answered under it', (_what, schema) => {
  expect(() => checkGrammar({ type: 'json', schema })).toThrow(/too ambiguous|readings of one text/);
}); // prettier-ignore

test.each<[what: string, schema: unknown]>([
  ['three hundred members that may be left out', { type: 'object', properties: members(300, { type: 'string' }) }],
  ['counted texts', { type: 'string', maxLength: 50_000 }],
  ['formats', { type: 'object', properties: members(4, { type: 'string', format: 'email' }) }],
  ['a pattern that is looked for anywhere', { type: 'string', pattern: '\\w+@\\w+' }],
  ['a thousand words', { enum: many(1000, (i) => `word ${i}`) }],
])('%s are taken', (_what, schema) => {
  expect(() => checkGrammar({ type: 'json', schema })).not.toThrow();
}); // prettier-ignore
