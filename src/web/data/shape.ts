/**
 * Checks of what a server sent, once, at the edge: a shape takes an unknown value and gives it typed, or undefined where
 * it is something else. Fields that are not named are left out; lists have a most.
 */

/** @returns undefined where the value does not have this shape */
export type Shape<T> = (value: unknown) => T | undefined;

/** More than any name, message or piece of text that is sent in one go. */
const MAX_TEXT_CHARS = 1_000_000;

export const finite: Shape<number> = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

export const text: Shape<string> = (value) =>
  typeof value === 'string' && value.length <= MAX_TEXT_CHARS ? value : undefined;

export const flag: Shape<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return (value) => words.find((word) => word === value);
}

/** Absent counts as null. */
export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null || value === undefined ? null : shape(value));
}

/** Absent counts as `instead`. */
export function orElse<T>(shape: Shape<T>, instead: T): Shape<T> {
  return (value) => (value === null || value === undefined ? instead : shape(value));
}

export function listOf<T>(shape: Shape<T>, most: number): Shape<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) return undefined;
    const list: T[] = [];
    for (const each of value) {
      const shaped = shape(each);
      if (shaped === undefined) return undefined;
      list.push(shaped);
    }
    return list;
  };
}

export function pairOf<T>(shape: Shape<T>): Shape<readonly [T, T]> {
  const list = listOf(shape, 2);
  return (value) => {
    const [first, second] = list(value) ?? [];
    return first === undefined || second === undefined ? undefined : [first, second];
  };
}

export function objectOf<T extends object>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  return (value) => {
    if (typeof value !== 'object' || value === null) return undefined;
    const from = value as Readonly<Record<string, unknown>>;
    const shaped: Partial<T> = {};
    for (const key of Object.keys(fields) as (keyof T & string)[]) {
      const field = fields[key](Object.hasOwn(from, key) ? from[key] : undefined);
      if (field === undefined) return undefined;
      shaped[key] = field;
    }
    return shaped as T;
  };
}

/** @returns undefined for what is not JSON or has another shape */
export function parseJson<T>(json: string, shape: Shape<T>): T | undefined {
  try {
    return shape(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
