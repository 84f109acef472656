/**
 * Runs the statements of a template and puts together what they print.
 */
import { filtered, hasFilter } from '../library/filters.js';
import type { Runtime } from '../library/runtime.js';
import { hasTest, tested } from '../library/tests.js';
import type { ForLoop, Statement, Step, Target } from '../syntax/nodes.js';
import type { Budget } from '../values/budget.js';
import { isTrue, itemsOf } from '../values/iteration.js';
import { str } from '../values/python-text.js';
import { Namespace, type Value } from '../values/value.js';
import { argumentsOf, called, valueOf } from './expressions.js';
import { callableLoop, LoopState } from './loop-state.js';
import { macroOf } from './macro.js';
import { Scope } from './scope.js';

/** How a body ended: by itself, or by a tag that leaves the loop or its turn. */
type End = 'done' | 'break' | 'continue';

export class Interpreter {
  readonly runtime: Runtime;
  readonly #budget: Budget;
  #parts: string[] = [];

  constructor(budget: Budget) {
    this.#budget = budget;
    this.runtime = {
      budget,
      filter: (name, value, call) => filtered(name, value, call, this.runtime),
      test: (name, value, call) => tested(name, value, call, this.runtime),
      hasFilter,
      hasTest,
    };
  }

  /** @returns what the statements print. @throws Error, or BAD_INPUT beyond the budget */
  readonly render = (body: readonly Statement[], scope: Scope): string => {
    const outer = this.#parts;
    this.#parts = [];
    this.#run(body, scope);
    const text = this.#parts.join('');
    this.#parts = outer;
    return text;
  };

  #run(body: readonly Statement[], scope: Scope): End {
    for (const statement of body) {
      const end = this.#runOne(statement, scope);
      if (end !== 'done') return end;
    }
    return 'done';
  }

  #runOne(node: Statement, scope: Scope): End {
    this.#budget.step();
    switch (node.type) {
      case 'text':
        return this.#print(node.text);
      case 'print':
        return this.#print(str(valueOf(node.value, scope, this.runtime), this.#budget));
      case 'if':
        return this.#run(isTrue(valueOf(node.test, scope, this.runtime)) ? node.yes : node.no, scope);
      case 'for':
        return this.#loop(node, valueOf(node.over, scope, this.runtime), scope, 0);
      case 'break':
      case 'continue':
        return node.type;
      case 'scope':
        return this.#run(node.body, new Scope(scope));
      default:
        return this.#name(node, scope);
    }
  }

  /** Statements that give names to values, or print the value of a body. */
  #name(
    node: Extract<
      Statement,
      { type: 'set' | 'set block' | 'with' | 'macro' | 'call block' | 'filter block' }
    >,
    scope: Scope,
  ): End {
    const { runtime } = this;
    switch (node.type) {
      case 'set':
        return this.#set(node.target, valueOf(node.value, scope, runtime), scope);
      case 'set block':
        return this.#set(node.target, this.#filteredBody(node.body, node.filters, scope), scope);
      case 'with':
        return this.#with(node, scope);
      case 'macro':
        scope.set(node.name, macroOf(node.name, node.signature, node.body, scope, runtime, this.render));
        return 'done';
      case 'call block':
        return this.#call(node, scope);
      case 'filter block':
        return this.#print(str(this.#filteredBody(node.body, node.filters, scope), this.#budget));
    }
  }

  #print(text: string): End {
    this.#budget.make(text.length);
    this.#parts.push(text);
    return 'done';
  }

  #filteredBody(body: readonly Statement[], filters: readonly Step[], scope: Scope): Value {
    const text = this.render(body, new Scope(scope));
    return filters.reduce<Value>(
      (value, { name, call }) => this.runtime.filter(name, value, argumentsOf(call, scope, this.runtime)),
      text,
    );
  }

  #with({ sets, body }: Statement & { readonly type: 'with' }, scope: Scope): End {
    const inner = new Scope(scope);
    for (const [target, value] of sets) this.#set(target, valueOf(value, scope, this.runtime), inner);
    return this.#run(body, inner);
  }

  #call({ call: node, signature, body }: Statement & { readonly type: 'call block' }, scope: Scope): End {
    const caller = macroOf('caller', signature, body, scope, this.runtime, this.render);
    const given = argumentsOf(node.call, scope, this.runtime);
    const call = { ...given, named: new Map([...given.named, ['caller', caller] as const]) };
    return this.#print(str(called(valueOf(node.of, scope, this.runtime), call), this.#budget));
  }

  #set(target: Target, value: Value, scope: Scope): End {
    switch (target.type) {
      case 'name':
        scope.set(target.name, value);
        return 'done';
      case 'member':
        return this.#setMember(target, value, scope);
      case 'several':
        return this.#setSeveral(target.targets, value, scope);
    }
  }

  #setMember({ of, name }: Target & { readonly type: 'member' }, value: Value, scope: Scope): End {
    const space = scope.get(of);
    if (!(space instanceof Namespace))
      throw new Error(`"${of}" is no namespace, so its members can not be set`);
    space.members.set(name, value);
    return 'done';
  }

  #setSeveral(targets: readonly Target[], value: Value, scope: Scope): End {
    const items = itemsOf(value, this.#budget);
    if (items.length !== targets.length)
      throw new Error(`${items.length} values can not be given to ${targets.length} names`);
    for (const [index, target] of targets.entries()) this.#set(target, items[index] as Value, scope);
    return 'done';
  }

  #loop(node: ForLoop, over: Value, scope: Scope, depth: number): End {
    const items = this.#chosen(node, itemsOf(over, this.#budget), scope);
    const state = new LoopState(items, depth, this.#budget);
    for (const [index, item] of items.entries()) {
      state.index = index;
      const inner = new Scope(scope);
      inner.set('loop', node.isRecursive ? callableLoop(state, this.#again(node, scope, depth + 1)) : state);
      this.#set(node.target, item, inner);
      if (this.#run(node.body, inner) === 'break') break;
    }
    return items.length === 0 ? this.#run(node.otherwise, scope) : 'done';
  }

  /** What a loop's condition leaves. */
  #chosen({ test, target }: ForLoop, items: readonly Value[], scope: Scope): readonly Value[] {
    if (!test) return items;
    return items.filter((item) => {
      const inner = new Scope(scope);
      this.#set(target, item, inner);
      return isTrue(valueOf(test, inner, this.runtime));
    });
  }

  #again(node: ForLoop, scope: Scope, depth: number): (items: Value) => string {
    return (items) => {
      const outer = this.#parts;
      this.#parts = [];
      this.#loop(node, items, scope, depth);
      const text = this.#parts.join('');
      this.#parts = outer;
      return text;
    };
  }
}
