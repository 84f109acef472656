/**
 * The names that a place in a template sees. What is set goes into the innermost scope.
 */
import { Undefined, type Value } from '../values/value.js';

export class Scope {
  readonly #outer: Scope | undefined;
  readonly #values = new Map<string, Value>();

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  get(name: string): Value {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    return this.#outer ? this.#outer.get(name) : new Undefined(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
