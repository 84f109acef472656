/**
 * `loop`, as the body of a loop sees it.
 */
import { isEqual } from '../values/comparison.js';
import type { Budget } from '../values/budget.js';
import { Func, Members, orUndefined, type Value } from '../values/value.js';

export class LoopState extends Members {
  readonly #items: readonly Value[];
  readonly #depth: number;
  readonly #budget: Budget;
  /** What `loop.changed` was last given. */
  #seen: readonly Value[] | undefined;
  index = 0;

  /** @param depth how many loops this one runs itself in, from 0 */
  constructor(items: readonly Value[], depth: number, budget: Budget) {
    super([]);
    this.#items = items;
    this.#depth = depth;
    this.#budget = budget;
  }

  override member(name: string): Value | undefined {
    const { length } = this.#items;
    switch (name) {
      case 'index':
        return this.index + 1;
      case 'index0':
        return this.index;
      case 'revindex':
        return length - this.index;
      case 'revindex0':
        return length - this.index - 1;
      case 'first':
        return this.index === 0;
      case 'last':
        return this.index === length - 1;
      case 'length':
        return length;
      case 'depth':
        return this.#depth + 1;
      case 'depth0':
        return this.#depth;
      case 'previtem':
        return orUndefined(this.#items[this.index - 1], name);
      case 'nextitem':
        return orUndefined(this.#items[this.index + 1], name);
      case 'cycle':
        return new Func(name, ({ args }) => orUndefined(args[this.index % args.length], name));
      case 'changed':
        return new Func(name, ({ args }) => this.#hasChanged(args));
      default:
        return undefined;
    }
  }

  #hasChanged(values: readonly Value[]): boolean {
    const isSame = this.#seen !== undefined && isEqual(this.#seen, values, this.#budget);
    this.#seen = values;
    return !isSame;
  }
}

/** `loop` of a recursive loop, which can be called. */
export function callableLoop(state: LoopState, again: (items: Value) => string): Func {
  const names = ['index', 'index0', 'revindex', 'revindex0', 'first', 'last', 'length', 'depth', 'depth0', 'previtem', 'nextitem', 'cycle', 'changed']; // prettier-ignore
  const members = names.map((name): [string, Value] => [name, state.member(name) as Value]);
  return new Func('loop', ({ args: [items = null] }) => again(items), members);
}
