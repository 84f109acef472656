/**
 * What a request hands to a chat template beside its messages (`enable_thinking` and the like). It comes from anybody, so its
 * size is bounded, it is plain JSON, and it takes no name that means something already.
 */
import { KvrError } from '../../core/errors.js';

export type TemplateArgs = Readonly<Record<string, unknown>>;

/** Templates in use read up to about ten. */
export const MAX_TEMPLATE_ARGS = 64;
/** Lists, objects and other values, all together; documents to quote from are the largest. */
export const MAX_ARG_VALUES = 10_000;
/** Of all texts and names together. */
export const MAX_ARG_CHARS = 4 * 2 ** 20;
/** JSON schemas, the deepest that templates read, have about ten levels. */
export const MAX_ARG_DEPTH = 32;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** Given in other ways, or the template language's own. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['messages', 'tools', 'add_generation_prompt', 'continue_final_message', 'chat_template', 'tokenize'],
  ...['bos_token', 'eos_token', 'unk_token', 'pad_token'],
  ...['raise_exception', 'strftime_now', 'range', 'namespace', 'loop', 'caller', 'self'],
  ...['true', 'false', 'none', 'True', 'False', 'None'],
]);

/** @param what it is, for messages. @throws BAD_INPUT */
export function checkTemplateArgs(value: unknown, what: string): TemplateArgs {
  if (!isPlain(value))
    throw bad(`${what} must be an object of names and values, as {"enable_thinking": false}`);
  const names = Object.keys(value);
  if (names.length > MAX_TEMPLATE_ARGS)
    throw bad(`${what} has ${names.length} names, the most is ${MAX_TEMPLATE_ARGS}; send fewer`);
  for (const name of names) requireFreeName(name, what);
  requireSmall(value, what);
  return value;
}

function requireFreeName(name: string, what: string): void {
  if (!NAME.test(name))
    throw bad(`${what} has the name "${name.slice(0, 40)}"; give letters, digits and _, at most 64`);
  if (RESERVED.has(name)) throw bad(`${what} can not set "${name}", which has its own meaning; leave it out`);
}

/** Walks level by level, so that no depth of nesting can take the stack. */
function requireSmall(args: TemplateArgs, what: string): void {
  let level: unknown[] = [args];
  let values = 0;
  let chars = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_ARG_DEPTH)
      throw bad(`${what} is nested deeper than ${MAX_ARG_DEPTH} levels, the limit; send flatter values`);
    values += level.length;
    if (values > MAX_ARG_VALUES) throw bad(`${what} has more than ${MAX_ARG_VALUES} values, the limit`);
    chars += level.reduce<number>((sum, value) => sum + charsOf(value), 0);
    if (chars > MAX_ARG_CHARS) throw bad(`${what} has more than ${MAX_ARG_CHARS} characters, the limit`);
    level = level.flatMap((value) => partsOf(value, what));
  }
}

function charsOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return isPlain(value) ? Object.keys(value).reduce((sum, name) => sum + name.length, 0) : 0;
}

function partsOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  if (isPlain(value)) return Object.values(value);
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return [];
  throw bad(
    `${what} holds a value that is not JSON; give texts, numbers, true, false, null, lists and objects`,
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function bad(message: string): KvrError {
  return new KvrError('BAD_INPUT', message);
}
