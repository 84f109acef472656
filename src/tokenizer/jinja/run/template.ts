/**
 * A chat template: Jinja as Python renders it, within limits. It sees the given variables and the language's own functions,
 * filters and tests, nothing else. test/jinja holds what Python makes of some 200 features. Called by chat-template.ts.
 */
import type { TemplateLimits } from '../../bounds/prompt-limits.js';
import { globalFunctions } from '../library/globals.js';
import type { Statement } from '../syntax/nodes.js';
import { parseStatements } from '../syntax/parser.js';
import { Budget } from '../values/budget.js';
import { fromJson } from '../values/from-json.js';
import { Func, type Value } from '../values/value.js';
import { Interpreter } from './interpreter.js';
import { Scope } from './scope.js';

/** What a template is given: JSON by name, and functions that take the first argument and give JSON. */
export type TemplateVariables = Iterable<readonly [string, unknown]>;

export class Template {
  readonly #body: readonly Statement[];

  /** @throws Error where the source is no template */
  constructor(source: string) {
    this.#body = parseStatements(source);
  }

  /** @throws Error where the template does; BAD_INPUT, with the field `budget`, beyond the limits */
  render(variables: TemplateVariables, limits: TemplateLimits): string {
    const interpreter = new Interpreter(new Budget(limits));
    const scope = new Scope();
    for (const [name, value] of globalFunctions(interpreter.runtime)) scope.set(name, value);
    for (const [name, value] of variables) scope.set(name, variable(name, value));
    return interpreter.render(this.#body, scope);
  }
}

function variable(name: string, value: unknown): Value {
  if (typeof value !== 'function') return fromJson(value);
  return new Func(name, ({ args }) => fromJson((value as (argument: unknown) => unknown)(args[0])));
}
