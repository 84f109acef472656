/**
 * Operators on numbers, texts and lists, as Python has them. What becomes large is counted before it is made.
 */
import type { Budget } from './budget.js';
import { isList, kindOf } from './iteration.js';
import { float, int, isInt, isNumber, toNumber } from './numbers.js';
import { Tuple, type Value } from './value.js';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** @throws Error for values that the operator is not for */
export function computed(operator: ArithmeticOperator, left: Value, right: Value, budget: Budget): Value {
  if (isInt(left) && isInt(right)) return ofInts(operator, BigInt(left), BigInt(right));
  if (isNumber(left) && isNumber(right)) return ofFloats(operator, toNumber(left), toNumber(right));
  const joined = operator === '+' ? sum(left, right, budget) : undefined;
  const made = joined ?? (operator === '*' ? repeated(left, right, budget) : undefined);
  if (made !== undefined) return made;
  throw new Error(`"${operator}" can not be used on ${kindOf(left)} and ${kindOf(right)}`);
}

export function negated(value: Value): Value {
  if (isInt(value)) return int(-BigInt(value));
  if (isNumber(value)) return float(-toNumber(value));
  throw new Error(`${kindOf(value)} has no sign`);
}

function sum(left: Value, right: Value, budget: Budget): Value | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    budget.make(left.length + right.length);
    return left + right;
  }
  const isTuple = left instanceof Tuple && right instanceof Tuple;
  if (!isTuple && !(isList(left) && isList(right))) return undefined;
  const items = isTuple ? [...left.items, ...right.items] : [...(left as Value[]), ...(right as Value[])];
  budget.step(items.length);
  return isTuple ? new Tuple(items) : items;
}

function repeated(left: Value, right: Value, budget: Budget): Value | undefined {
  if (isInt(left)) return isInt(right) ? undefined : repeated(right, left, budget);
  if (!isInt(right)) return undefined;
  const times = Math.max(0, Number(right));
  if (typeof left === 'string') {
    budget.make(left.length * times);
    return left.repeat(left === '' ? 0 : times);
  }
  const items = left instanceof Tuple ? left.items : isList(left) ? left : undefined;
  if (!items) return undefined;
  budget.step(items.length * times);
  const all = Array.from({ length: items.length === 0 ? 0 : times }, () => items).flatMap((one) => one);
  return left instanceof Tuple ? new Tuple(all) : all;
}

function ofInts(operator: ArithmeticOperator, left: bigint, right: bigint): Value {
  switch (operator) {
    case '+':
      return int(left + right);
    case '-':
      return int(left - right);
    case '*':
      return int(left * right);
    case '/':
      requireDivisor(right !== 0n);
      return float(Number(left) / Number(right));
    case '//':
    case '%':
      requireDivisor(right !== 0n);
      return divided(operator, left, right);
    case '**':
      return power(left, right);
  }
}

/** Rounded down, where JavaScript rounds towards 0. */
function divided(operator: '//' | '%', left: bigint, right: bigint): Value {
  const rest = left % right;
  const isBelow = rest !== 0n && rest < 0n !== right < 0n;
  if (operator === '%') return int(isBelow ? rest + right : rest);
  return int(left / right - (isBelow ? 1n : 0n));
}

function power(base: bigint, exponent: bigint): Value {
  if (exponent < 0n) return ofFloats('**', Number(base), Number(exponent));
  const bits = BigInt(base.toString(2).length) * exponent;
  if (bits > 10_000n && base !== 1n && base !== 0n && base !== -1n)
    throw new Error('a power of so many digits is not supported');
  return int(base ** (bits > 10_000n ? exponent % 2n : exponent));
}

function ofFloats(operator: ArithmeticOperator, left: number, right: number): Value {
  switch (operator) {
    case '+':
      return float(left + right);
    case '-':
      return float(left - right);
    case '*':
      return float(left * right);
    case '**':
      return float(left ** right);
    case '/':
      requireDivisor(right !== 0);
      return float(left / right);
    case '//':
      requireDivisor(right !== 0);
      return float(Math.floor(left / right));
    case '%':
      requireDivisor(right !== 0);
      return float(left - Math.floor(left / right) * right);
  }
}

function requireDivisor(isThere: boolean): void {
  if (!isThere) throw new Error('division by zero');
}
