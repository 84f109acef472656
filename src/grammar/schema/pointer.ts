/**
 * References inside a schema: JSON pointers (RFC 6901) as parts of a URI, anchors, and identifiers of parts.
 */
import { fault, isSchema, type Schema } from './schema.js';

/** By `$id`, and by `#` and an anchor's name. */
export type Named = ReadonlyMap<string, unknown>;

/** All parts of a schema that have names. Goes over each value once. */
export function namedParts(root: unknown): Named {
  const named = new Map<string, unknown>();
  const open: unknown[] = [root];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (typeof one !== 'object' || one === null) continue;
    if (isSchema(one)) addNames(named, one);
    for (const inner of Object.values(one)) if (typeof inner === 'object') open.push(inner);
  }
  return named;
}

function addNames(named: Map<string, unknown>, schema: Schema): void {
  const { $id, id, $anchor, $dynamicAnchor } = schema;
  for (const name of [$id, id]) if (typeof name === 'string') named.set(name.replace(/#$/, ''), schema);
  for (const name of [$anchor, $dynamicAnchor]) if (typeof name === 'string') named.set(`#${name}`, schema);
}

/** What a reference of the same document names. @throws BAD_INPUT */
export function resolve(root: unknown, reference: unknown, path: string, named: () => Named): unknown {
  if (typeof reference !== 'string') throw fault(path, '$ref must be a text');
  const [base = '', ...fragment] = reference.split('#');
  const pointer = fragment.join('#');
  const start = base === '' ? root : named().get(base);
  if (start !== undefined && /^(\/|$)/.test(pointer)) return follow(start, pointer, reference, path);
  const found = named().get(`#${pointer}`);
  if (found !== undefined) return found;
  throw fault(path, `$ref "${reference.slice(0, 100)}" must name a part of the schema itself, as "#/…" does`);
}

function follow(root: unknown, pointer: string, reference: string, path: string): unknown {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => decode(key, path));
  return keys.reduce<unknown>((at, key) => {
    const inner =
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Schema)[key] : undefined;
    if (inner === undefined)
      throw fault(path, `$ref "${reference.slice(0, 100)}" leads nowhere; point it at a part of this schema`);
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
