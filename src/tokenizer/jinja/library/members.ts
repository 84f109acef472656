/**
 * What stands behind a point: methods go before keys, as in Python, where `d.items` is a method even if there is such a key.
 */
import { itemAt } from '../values/access.js';
import { isEqual } from '../values/comparison.js';
import { isList } from '../values/iteration.js';
import { int, isFloat, isInt, isNumber, toNumber } from '../values/numbers.js';
import {
  type Call,
  Dict,
  Func,
  Members,
  orUndefined,
  Range,
  Tuple,
  Undefined,
  type Value,
} from '../values/value.js';
import { bind, type Builtin, builtin, type Runtime } from './runtime.js';
import { braceFormatted } from './text-format.js';
import { TEXT_METHODS } from './text-methods.js';

const DICT_METHODS: Readonly<Record<string, Builtin<Dict>>> = {
  items: builtin('', (dict) => dict.entries().map((entry) => new Tuple(entry))),
  keys: builtin('', (dict) => dict.keys()),
  values: builtin('', (dict) => dict.values()),
  get: builtin('key default', (dict, [key = null, byDefault = null]) =>
    dict.has(key) ? (dict.get(key) as Value) : byDefault,
  ),
  copy: builtin('', (dict) => dict),
};

const LIST_METHODS: Readonly<Record<string, Builtin<readonly Value[]>>> = {
  index: builtin('value', (items, [wanted = null], { budget }) => {
    const at = items.findIndex((item) => isEqual(item, wanted, budget));
    if (at < 0) throw new Error('the list does not hold the value');
    return at;
  }),
  count: builtin(
    'value',
    (items, [wanted = null], { budget }) => items.filter((item) => isEqual(item, wanted, budget)).length,
  ),
  copy: builtin('', (items) => items),
};

const NUMBER_METHODS: Readonly<Record<string, Builtin>> = {
  bit_length: builtin('', (value) => (isInt(value) ? BigInt(value).toString(2).replace('-', '').replace(/^0$/, '').length : 0)), // prettier-ignore
  is_integer: builtin('', (value) => isNumber(value) && Number.isInteger(toNumber(value))),
};

/** @returns undefined where there is none */
export function memberOf(value: Value, name: string, runtime: Runtime): Value | undefined {
  // Python's own attributes are not shown to a template.
  if (name.startsWith('_') && !(value instanceof Dict)) return undefined;
  const attribute = attributeOf(value, name, runtime);
  return attribute === undefined ? itemAt(value, name, runtime.budget) : attribute;
}

/** `value[key]`: an item, or else a member of that name. */
export function itemOf(value: Value, key: Value, runtime: Runtime): Value | undefined {
  const item = itemAt(value, key, runtime.budget);
  return item === undefined && typeof key === 'string' ? attributeOf(value, key, runtime) : item;
}

function attributeOf(value: Value, name: string, runtime: Runtime): Value | undefined {
  if (value instanceof Members) return value.member(name);
  if (value instanceof Func) return value.attributes.get(name);
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)];
  return methodOf(value, name, runtime);
}

function methodOf(value: Value, name: string, runtime: Runtime): Func | undefined {
  if (typeof value === 'string') {
    if (name === 'format') return new Func(name, (call) => braceFormatted(value, call, runtime.budget));
    return bound(TEXT_METHODS, value, name, runtime);
  }
  if (value instanceof Dict) return bound(DICT_METHODS, value, name, runtime);
  if (value instanceof Tuple) return bound(LIST_METHODS, value.items, name, runtime);
  if (value instanceof Range) return bound(LIST_METHODS, value.items(), name, runtime);
  if (isList(value)) return bound(LIST_METHODS, value, name, runtime);
  if (isInt(value) || isFloat(value)) return bound(NUMBER_METHODS, value, name, runtime);
  return undefined;
}

function bound<T>(
  methods: Readonly<Record<string, Builtin<T>>>,
  value: T,
  name: string,
  runtime: Runtime,
): Func | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (!method) return undefined;
  return new Func(name, (call: Call) => {
    if (typeof value === 'string') runtime.budget.read(value);
    return method.run(value, bind(call, method.parameters, name), runtime);
  });
}

/** A member of a member, as in `function.name`. @throws Error where one on the way is not there */
export function memberAt(value: Value, path: Value, runtime: Runtime): Value {
  const keys: Value[] = typeof path === 'string' ? path.split('.').map(asKey) : [path];
  return keys.reduce((at, key) => {
    if (at instanceof Undefined) throw new Error(`"${at.name}" is undefined`);
    return orUndefined(itemOf(at, key, runtime), typeof key === 'string' ? key : 'item');
  }, value);
}

function asKey(part: string): Value {
  return /^\d+$/.test(part) ? int(BigInt(part)) : part;
}
