/**
 * The values of expressions.
 */
import { memberOf, itemOf } from '../library/members.js';
import type { Runtime } from '../library/runtime.js';
import { percentFormatted } from '../library/text-format.js';
import type { Arguments, ComparisonOperator, Expression } from '../syntax/nodes.js';
import { sliced } from '../values/access.js';
import { computed, negated } from '../values/arithmetic.js';
import { compare, contains, isEqual } from '../values/comparison.js';
import { isTrue, itemsOf, kindOf } from '../values/iteration.js';
import { str } from '../values/python-text.js';
import { type Call, Dict, Func, orUndefined, Tuple, Undefined, type Value } from '../values/value.js';
import type { Scope } from './scope.js';

/** @throws Error for what Python has no value for; BAD_INPUT beyond the budget */
export function valueOf(node: Expression, scope: Scope, runtime: Runtime): Value {
  const { budget } = runtime;
  const value = (one: Expression): Value => valueOf(one, scope, runtime);
  budget.step();
  switch (node.type) {
    case 'constant':
      return node.value;
    case 'name':
      return scope.get(node.name);
    case 'list':
      return node.items.map(value);
    case 'tuple':
      return new Tuple(node.items.map(value));
    case 'mapping':
      return new Dict(node.entries.map(([key, one]): [Value, Value] => [value(key), value(one)]));
    case 'member':
      return orUndefined(memberOf(present(value(node.of)), node.name, runtime), node.name);
    case 'item':
      return itemAt(present(value(node.of)), value(node.key), runtime);
    case 'slice':
      return sliced(present(value(node.of)), node.bounds.map((one) => one && value(one)), budget); // prettier-ignore
    case 'call':
      return called(value(node.of), argumentsOf(node.call, scope, runtime));
    case 'filter':
      return runtime.filter(node.filter.name, value(node.of), argumentsOf(node.filter.call, scope, runtime));
    case 'test':
      return (
        runtime.test(node.test.name, value(node.of), argumentsOf(node.test.call, scope, runtime)) !==
        node.isNot
      );
    case 'not':
      return !isTrue(value(node.of));
    case 'negative':
      return negated(value(node.of));
    case 'positive':
      return signed(value(node.of));
    case 'and':
      return either(value(node.left), false, () => value(node.right));
    case 'or':
      return either(value(node.left), true, () => value(node.right));
    case 'concat':
      return joined(node.parts.map(value), runtime);
    case 'arithmetic':
      return operated(node, value(node.left), value(node.right), runtime);
    case 'comparison':
      return areCompared(node, value, runtime);
    case 'choice':
      if (isTrue(value(node.test))) return value(node.yes);
      return node.no ? value(node.no) : new Undefined('else');
  }
}

/** Named arguments, those spread from a list and a mapping included. */
export function argumentsOf(given: Arguments, scope: Scope, runtime: Runtime): Call {
  const value = (one: Expression): Value => valueOf(one, scope, runtime);
  const spread = given.list ? itemsOf(value(given.list), runtime.budget) : [];
  const mapping = given.mapping && value(given.mapping);
  const more = mapping instanceof Dict ? mapping.entries() : [];
  const named = given.named.map(([name, one]): [string, Value] => [name, value(one)]);
  return {
    args: [...given.args.map(value), ...spread],
    named: new Map([...named, ...more.map(([key, one]): [string, Value] => [String(key as string), one])]),
  };
}

export function called(value: Value, call: Call): Value {
  if (value instanceof Func) return value.call(call);
  throw new Error(`${kindOf(value)} can not be called`);
}

/** To go on from what is not there is an error. */
function present(value: Value): Value {
  if (!(value instanceof Undefined)) return value;
  throw new Error(`"${value.name.slice(0, 60)}" is undefined`);
}

function itemAt(value: Value, key: Value, runtime: Runtime): Value {
  return orUndefined(itemOf(value, key, runtime), typeof key === 'string' ? key : 'item');
}

function signed(value: Value): Value {
  return negated(negated(value));
}

function either(left: Value, isEnough: boolean, right: () => Value): Value {
  return isTrue(left) === isEnough ? left : right();
}

function joined(values: readonly Value[], { budget }: Runtime): string {
  const texts = values.map((one) => str(one, budget));
  budget.make(texts.reduce((sum, text) => sum + text.length, 0));
  return texts.join('');
}

function operated(
  { operator }: Expression & { readonly type: 'arithmetic' },
  left: Value,
  right: Value,
  { budget }: Runtime,
): Value {
  if (operator === '%' && typeof left === 'string') return percentFormatted(left, right, budget);
  return computed(operator, left, right, budget);
}

/** `a < b < c` holds where both do. */
function areCompared(
  { first, others }: Expression & { readonly type: 'comparison' },
  value: (node: Expression) => Value,
  runtime: Runtime,
): boolean {
  let left = value(first);
  return others.every(([operator, node]) => {
    const right = value(node);
    const holds = isHeld(operator, left, right, runtime);
    left = right;
    return holds;
  });
}

function isHeld(operator: ComparisonOperator, left: Value, right: Value, { budget }: Runtime): boolean {
  switch (operator) {
    case '==':
      return isEqual(left, right, budget);
    case '!=':
      return !isEqual(left, right, budget);
    case 'in':
      return contains(right, left, budget);
    case 'not in':
      return !contains(right, left, budget);
    default:
      return isOrdered(operator, compare(left, right, budget));
  }
}

function isOrdered(operator: '<' | '<=' | '>' | '>=', order: number): boolean {
  if (operator === '<' || operator === '<=') return operator === '<' ? order < 0 : order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}
