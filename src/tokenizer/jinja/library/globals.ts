/**
 * Functions that every template can call.
 */
import { itemsOf } from '../values/iteration.js';
import { toCount } from '../values/numbers.js';
import { type Call, Dict, Func, Members, Namespace, Range, type Value } from '../values/value.js';
import type { Runtime } from './runtime.js';
import { optionalText } from './given.js';

/** A template that asks for a longer range is broken or means harm; lists of messages are far shorter. */
export const MAX_RANGE = 100_000;

export function globalFunctions(runtime: Runtime): [string, Func][] {
  const functions: Readonly<Record<string, (call: Call) => Value>> = {
    range: ({ args }) => rangeOf(args.map(toCount)),
    dict: (call) => new Dict(entriesOf(call, runtime)),
    namespace: (call) => new Namespace(entriesOf(call, runtime).map(([key, value]) => [String(key as string), value])),
    joiner: ({ args: [by] }) => joiner(optionalText(by) ?? ', '),
    cycler: ({ args }) => cycler(args),
  }; // prettier-ignore
  return Object.entries(functions).map(([name, call]) => [name, new Func(name, call)]);
}

/** @throws Error for a step of 0 and above MAX_RANGE numbers */
function rangeOf([first, second, step = 1]: readonly number[]): Range {
  if (first === undefined || step === 0) throw new Error('a range needs an end, and a step that is not 0');
  const range = second === undefined ? new Range(0, first, 1) : new Range(first, second, step);
  if (range.length > MAX_RANGE)
    throw new Error(`a range of ${range.length} numbers is longer than ${MAX_RANGE}, the limit`);
  return range;
}

/** Of a mapping, or a list of pairs, and of the names of arguments. */
function entriesOf({ args: [first], named }: Call, { budget }: Runtime): (readonly [Value, Value])[] {
  const given = first instanceof Dict ? first.entries() : first === undefined ? [] : pairsOf(first, budget);
  return [...given, ...named];
}

function pairsOf(value: Value, budget: Runtime['budget']): (readonly [Value, Value])[] {
  return itemsOf(value, budget).map((pair) => {
    const [key, one] = itemsOf(pair, budget);
    if (key === undefined || one === undefined) throw new Error('a mapping is made of pairs');
    return [key, one];
  });
}

/** Nothing the first time, then the text. */
function joiner(by: string): Func {
  let isFirst = true;
  return new Func('joiner', () => {
    const text = isFirst ? '' : by;
    isFirst = false;
    return text;
  });
}

class Cycler extends Members {
  readonly #items: readonly Value[];
  #at = 0;

  constructor(items: readonly Value[]) {
    super([]);
    this.#items = items;
  }

  override member(name: string): Value | undefined {
    if (name === 'current') return this.#items[this.#at];
    if (name === 'next') return new Func(name, () => this.#next());
    return name === 'reset' ? new Func(name, () => this.#reset()) : undefined;
  }

  #next(): Value {
    const item = this.#items[this.#at] as Value;
    this.#at = (this.#at + 1) % this.#items.length;
    return item;
  }

  #reset(): Value {
    this.#at = 0;
    return null;
  }
}

function cycler(items: readonly Value[]): Cycler {
  if (items.length === 0) throw new Error('a cycler needs items');
  return new Cycler(items);
}
