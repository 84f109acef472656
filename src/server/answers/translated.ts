/**
 * For dialects that put their body into the words of another one and let that read it: clients are told of their own names.
 */
import { KvrError } from '../../core/errors.js';
import type { ServedEngine } from '../requests/settings.js';
import type { Dialect } from './dialect.js';
import type { ParsedRequest } from './parsed-request.js';

/** By the name or place that the other dialect knows, what the client calls it; what lies inside of it moves along. */
type Names = Readonly<Record<string, string>>;

/** No name that another dialect knows is longer, or lies deeper; a client's may be as long as a body. */
const MAX_NAME_CHARS = 300;
const MAX_NAME_PARTS = 8;

/** @param body in the words of `dialect`. @throws as Dialect.parse, under the client's names */
export async function parseTranslated<Parsed extends ParsedRequest>(
  dialect: Dialect<Parsed>,
  body: unknown,
  names: Names,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Parsed> {
  try {
    const parsed = await dialect.parse(body, engine, signal);
    return { ...parsed, ignored: parsed.ignored?.map((name) => clientsName(name, names)) };
  } catch (error) {
    throw error instanceof KvrError ? inClientsNames(error, names) : error;
  }
}

function inClientsNames(error: KvrError, names: Names): KvrError {
  const { param } = error.fields;
  if (typeof param !== 'string' || param.length > MAX_NAME_CHARS) return error;
  const name = clientsName(param, names);
  if (name === param) return error;
  const message = error.message.replaceAll(wholeWord(param), () => name);
  return new KvrError(error.code, message, { ...error.fields, param: name }, error);
}

/** "messages.2.content" is "input.5.content" where "messages.2" is "input.5"; the longest known begin counts. */
function clientsName(name: string, names: Names): string {
  const parts = name.split('.');
  for (let length = Math.min(parts.length, MAX_NAME_PARTS); length > 0; length--) {
    const begin = parts.slice(0, length).join('.');
    if (Object.hasOwn(names, begin)) return [names[begin], ...parts.slice(length)].join('.');
  }
  return name;
}

function wholeWord(text: string): RegExp {
  return new RegExp(`(?<![\\w.])${text.replace(/[^\w]/g, '\\$&')}(?!\\w)`, 'g');
}
