/**
 * Where in a schema a reader is: the path that errors name, and how many schemas lie around it.
 */
export type Place = { readonly path: string; readonly depth: number };

/** @param keys that lead to it; none for a schema that stands for the same place */
export function inside({ path, depth }: Place, ...keys: readonly (string | number)[]): Place {
  // Put together bit by bit, and so not copied: names may be long, and there are many places below one.
  return { path: keys.reduce<string>((before, key) => `${before}/${key}`, path), depth: depth + 1 };
}
