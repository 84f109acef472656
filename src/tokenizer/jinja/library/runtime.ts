/**
 * What filters, tests and methods need of the run that they are a part of.
 */
import type { Budget } from '../values/budget.js';
import type { Call, Value } from '../values/value.js';

export type Runtime = {
  readonly budget: Budget;
  /** @throws Error where there is no such filter */
  readonly filter: (name: string, value: Value, call: Call) => Value;
  /** @throws Error where there is no such test */
  readonly test: (name: string, value: Value, call: Call) => boolean;
  readonly hasFilter: (name: string) => boolean;
  readonly hasTest: (name: string) => boolean;
};

/** By place, in the order of the function's parameters; undefined where not given. */
export type Bound = readonly (Value | undefined)[];

/** A filter, a method or a function of the language: its parameters, by their names in Python, and what it does. */
export type Builtin<T = Value> = {
  readonly parameters: readonly string[];
  readonly run: (value: T, args: Bound, runtime: Runtime) => Value;
};

/** @param parameters names, with spaces between */
export function builtin<T = Value>(parameters: string, run: Builtin<T>['run']): Builtin<T> {
  return { parameters: parameters.split(' ').filter((name) => name !== ''), run };
}

/** @throws Error for an argument too many, or of another name */
export function bind({ args, named }: Call, parameters: readonly string[], name: string): Bound {
  if (args.length > parameters.length)
    throw new Error(`${name} takes ${parameters.length} arguments, and ${args.length} were given`);
  const other = [...named.keys()].find((key) => parameters.indexOf(key) < args.length);
  if (other !== undefined) throw new Error(`${name} takes no further argument "${other.slice(0, 40)}"`);
  return parameters.map((parameter, index) => (index < args.length ? args[index] : named.get(parameter)));
}
