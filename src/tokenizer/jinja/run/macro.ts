/**
 * Macros, and the bodies of call blocks: functions whose value is what they print.
 */
import type { Runtime } from '../library/runtime.js';
import type { Signature, Statement } from '../syntax/nodes.js';
import { type Call, Dict, Func, orUndefined, Tuple, type Value } from '../values/value.js';
import { valueOf } from './expressions.js';
import { Scope } from './scope.js';

/** Renders statements to a text. */
export type Render = (body: readonly Statement[], scope: Scope) => string;

/** @param scope where it stands: it sees what that sees, also what is set there later */
export function macroOf(
  name: string,
  { parameters, reads }: Signature,
  body: readonly Statement[],
  scope: Scope,
  runtime: Runtime,
  render: Render,
): Func {
  const names = parameters.map((one) => one.name);
  const call = (given: Call): string => {
    const inner = new Scope(scope);
    for (const [index, { name: parameter, byDefault }] of parameters.entries()) {
      const value = index < given.args.length ? given.args[index] : given.named.get(parameter);
      const instead = value === undefined && byDefault ? valueOf(byDefault, inner, runtime) : value;
      inner.set(parameter, orUndefined(instead, parameter));
    }
    takeFurther(given, names, reads, inner, name);
    return render(body, inner);
  };
  return new Func(name, call, [
    ['name', name],
    ['arguments', new Tuple(names)],
    ['caller', reads.has('caller')],
  ]);
}

/** Arguments that are not parameters go to those macros that read them. @throws Error where this one does not */
function takeFurther(
  { args, named }: Call,
  names: readonly string[],
  reads: ReadonlySet<string>,
  scope: Scope,
  name: string,
): void {
  const rest = args.slice(names.length);
  const more = [...named].filter(([key]) => !names.includes(key) && key !== 'caller');
  if (rest.length > 0 && !reads.has('varargs'))
    throw new Error(`the macro "${name}" takes ${names.length} arguments, and ${args.length} were given`);
  if (more.length > 0 && !reads.has('kwargs'))
    throw new Error(`the macro "${name}" takes no argument "${more[0]?.[0] ?? ''}"`);
  const caller: Value | undefined = named.get('caller');
  scope.set('varargs', new Tuple(rest));
  scope.set('kwargs', new Dict(more));
  scope.set('caller', orUndefined(caller, 'caller'));
}
