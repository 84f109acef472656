/**
 * What stands behind `is`.
 */
import { computed } from '../values/arithmetic.js';
import { compare, contains, isEqual } from '../values/comparison.js';
import { isIterable, isList } from '../values/iteration.js';
import { isFloat, isInt, isNumber, toNumber } from '../values/numbers.js';
import { str } from '../values/python-text.js';
import { type Call, Dict, Func, orUndefined, Range, Tuple, Undefined, type Value } from '../values/value.js';
import type { Runtime } from './runtime.js';

type Test = (value: Value, other: Value, runtime: Runtime) => boolean;

const equal: Test = (value, other, { budget }) => isEqual(value, other, budget);
const unequal: Test = (value, other, { budget }) => !isEqual(value, other, budget);
const greater: Test = (value, other, { budget }) => compare(value, other, budget) > 0;
const atLeast: Test = (value, other, { budget }) => compare(value, other, budget) >= 0;
const less: Test = (value, other, { budget }) => compare(value, other, budget) < 0;
const atMost: Test = (value, other, { budget }) => compare(value, other, budget) <= 0;

const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', (value) => !(value instanceof Undefined)],
  ['undefined', (value) => value instanceof Undefined],
  ['none', (value) => value === null],
  ['string', (value) => typeof value === 'string'],
  ['number', (value) => isNumber(value)],
  ['integer', (value) => isInt(value) && typeof value !== 'boolean'],
  ['float', (value) => isFloat(value)],
  ['boolean', (value) => typeof value === 'boolean'],
  ['true', (value) => value === true],
  ['false', (value) => value === false],
  ['mapping', (value) => value instanceof Dict],
  ['iterable', (value) => isIterable(value)],
  ['sequence', (value) => isSequence(value)],
  ['callable', (value) => value instanceof Func],
  ['sameas', (value, other) => value === other || (value instanceof Undefined && other instanceof Undefined)],
  ['odd', (value, _other, runtime) => rest(value, 2, runtime) === 1],
  ['even', (value, _other, runtime) => rest(value, 2, runtime) === 0],
  ['divisibleby', (value, other, runtime) => rest(value, other, runtime) === 0],
  ['in', (value, other, { budget }) => contains(other, value, budget)],
  ['upper', (value, _other, { budget }) => isCased(str(value, budget), 'toUpperCase')],
  ['lower', (value, _other, { budget }) => isCased(str(value, budget), 'toLowerCase')],
  ['escaped', () => false],
  ['filter', (value, _other, { hasFilter }) => typeof value === 'string' && hasFilter(value)],
  ['test', (value, _other, { hasTest: has }) => typeof value === 'string' && has(value)],
  ...['eq', 'equalto', '=='].map((name) => [name, equal] as const),
  ...['ne', '!='].map((name) => [name, unequal] as const),
  ...['gt', 'greaterthan', '>'].map((name) => [name, greater] as const),
  ...['ge', '>='].map((name) => [name, atLeast] as const),
  ...['lt', 'lessthan', '<'].map((name) => [name, less] as const),
  ...['le', '<='].map((name) => [name, atMost] as const),
]);

export function hasTest(name: string): boolean {
  return TESTS.has(name);
}

/** @throws Error where there is no such test, or it is not for the value */
export function tested(name: string, value: Value, { args }: Call, runtime: Runtime): boolean {
  const test = TESTS.get(name);
  if (!test) throw new Error(`there is no test "${name.slice(0, 40)}"`);
  return test(value, orUndefined(args[0], 'argument'), runtime);
}

function isSequence(value: Value): boolean {
  const isMade = value instanceof Tuple || value instanceof Range || value instanceof Dict;
  return typeof value === 'string' || isList(value) || isMade || value instanceof Undefined;
}

function rest(value: Value, by: Value, { budget }: Runtime): number {
  const left = computed('%', value, by, budget);
  return isNumber(left) ? toNumber(left) : NaN;
}

function isCased(text: string, way: 'toUpperCase' | 'toLowerCase'): boolean {
  return text === text[way]() && text.toLowerCase() !== text.toUpperCase();
}
