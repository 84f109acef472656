/**
 * The metadata of a GGUF file by key, as the types that who reads them wants. Pure.
 */
import type { GGUFTypedMetadata } from '@huggingface/gguf';
import { broken, quoted } from './broken.js';

type Entry = { readonly value: unknown; readonly type: number };
const FLOAT32 = 6;

export class Metadata {
  readonly path: string;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(parsed: GGUFTypedMetadata, path: string) {
    this.path = path;
    this.#entries = new Map(Object.entries(parsed));
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Numbers as a JSON file would have them; undefined where there is no such key. @throws BAD_CHECKPOINT */
  number(key: string): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const value = typeof entry.value === 'bigint' ? Number(entry.value) : entry.value;
    if (typeof value !== 'number') throw this.#wrong(key, 'a number');
    return entry.type === FLOAT32 ? shortest(value) : value;
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, 'boolean', (value) => typeof value === 'boolean');
  }

  string(key: string): string | undefined {
    return this.#typed(key, 'string', (value) => typeof value === 'string');
  }

  strings(key: string): readonly string[] | undefined {
    return this.#list(key, 'strings', (value) => typeof value === 'string');
  }

  numbers(key: string): readonly number[] | undefined {
    return this.#list(key, 'numbers', (value) => typeof value === 'number');
  }

  booleans(key: string): readonly boolean[] | undefined {
    return this.#list(key, 'truths', (value) => typeof value === 'boolean');
  }

  isList(key: string): boolean {
    return Array.isArray(this.#entries.get(key)?.value);
  }

  /** A number, or the one number that a list with an entry for every layer repeats. @throws BAD_CHECKPOINT */
  layerNumber(key: string): number | undefined {
    if (!Array.isArray(this.#entries.get(key)?.value)) return this.number(key);
    const [first, ...others] = this.numbers(key) ?? [];
    if (others.every((other) => other === first)) return first;
    throw broken(this.path, `${quoted(key)} differs between layers, which no model that is run here does`);
  }

  #typed<T>(key: string, what: string, isTyped: (value: unknown) => value is T): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || isTyped(entry.value)) return entry?.value as T | undefined;
    throw this.#wrong(key, `a ${what}`);
  }

  #list<T>(key: string, what: string, isTyped: (value: unknown) => value is T): readonly T[] | undefined {
    const value = this.#entries.get(key)?.value;
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every(isTyped)) return value;
    throw this.#wrong(key, `a list of ${what}`);
  }

  #wrong(key: string, wanted: string): Error {
    const value = this.#entries.get(key)?.value;
    const shown = Array.isArray(value) ? `a list of ${value.length}` : quoted(String(value).slice(0, 60));
    return broken(this.path, `metadata ${quoted(key)} is ${shown}, it must be ${wanted}`);
  }
}

/** The shortest decimal that is the same f32: 1e-5 where the f32 nearest to it was stored. */
export function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
