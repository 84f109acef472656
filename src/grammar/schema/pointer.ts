/**
 * References inside a schema. Source: RFC 6901, JSON pointers, as parts of a URI.
 */
import { fault, type Schema } from './schema.js';

/** What a JSON pointer of the same document names. @throws BAD_INPUT */
export function resolve(root: unknown, pointer: unknown, path: string): unknown {
  if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer))
    throw fault(path, '$ref must begin with "#/": only the schema itself can be referred to');
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => decode(key, path));
  return keys.reduce<unknown>((at, key) => {
    const inner =
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Schema)[key] : undefined;
    if (inner === undefined)
      throw fault(path, `$ref "${pointer.slice(0, 100)}" leads nowhere; point it at a part of this schema`);
    return inner;
  }, root);
}

function decode(key: string, path: string): string {
  try {
    return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch (error) {
    throw fault(path, '$ref is not well coded', error);
  }
}
