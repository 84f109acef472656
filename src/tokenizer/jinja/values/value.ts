/**
 * The values of a template, as Python has them. JSON comes in by from-json.ts. A whole JavaScript number is an int, any
 * other number a float; floats that happen to be whole, which Python prints as 1.0, are of a class of their own.
 */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | Float
  | Undefined
  | readonly Value[]
  | Tuple
  | Dict
  | Range
  | Func
  | Members;

/** Arguments of a call, by place and by name. */
export type Call = { readonly args: readonly Value[]; readonly named: ReadonlyMap<string, Value> };

/** A float whose value is whole. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What a name or member stands for that is not there. Prints nothing; to go on from it is an error. */
export class Undefined {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** For what was looked for and not found; None is found. */
export function orUndefined(value: Value | undefined, name: string): Value {
  return value === undefined ? new Undefined(name) : value;
}

export class Tuple {
  readonly items: readonly Value[];
  /** Of a named tuple. */
  readonly names: readonly string[];

  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

/** A function, a method or a macro. */
export class Func {
  readonly name: string;
  readonly call: (call: Call) => Value;
  readonly attributes: ReadonlyMap<string, Value>;

  constructor(
    name: string,
    call: (call: Call) => Value,
    attributes: Iterable<readonly [string, Value]> = [],
  ) {
    this.name = name;
    this.call = call;
    this.attributes = new Map(attributes);
  }
}

/** An object with members and no more: a namespace, the state of a loop. */
export class Members {
  readonly members: Map<string, Value>;

  constructor(members: Iterable<readonly [string, Value]>) {
    this.members = new Map(members);
  }

  member(name: string): Value | undefined {
    return this.members.get(name);
  }
}

/** A namespace is the one object whose members a template may set. */
export class Namespace extends Members {}

/** Python's range: its numbers are made as they are needed. */
export class Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly length: number;

  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  /** @param index from the end where it is negative */
  at(index: number): number {
    return this.start + (index < 0 ? index + this.length : index) * this.step;
  }

  /** Whether there is a number at the index. */
  has(index: number): boolean {
    return index < this.length && index >= -this.length;
  }

  items(): number[] {
    return Array.from({ length: this.length }, (_, index) => this.at(index));
  }
}

/** By key, in the order in which keys came first. Keys that Python holds for equal (1, 1.0, True) are one. */
export class Dict {
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.#put(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashOf(key));
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value);
  }

  entries(): (readonly [Value, Value])[] {
    return [...this.#entries.values()];
  }

  /** The first of equal keys stays, with the last value. */
  #put(key: Value, value: Value): void {
    const hash = hashOf(key);
    const known = this.#entries.get(hash);
    this.#entries.set(hash, [known ? known[0] : key, value]);
  }
}

/** @throws Error for what can be no key */
function hashOf(key: Value): unknown {
  if (typeof key === 'boolean') return Number(key);
  if (key instanceof Float) return key.value;
  // No text has a lone surrogate and a mark before it.
  if (key instanceof Tuple)
    return `\ud800(${key.items.map((item) => `${typeof item}${String(hashOf(item))}`).join()})`;
  if (Array.isArray(key) || key instanceof Dict) throw new Error('a list or mapping can not be a key');
  return key;
}
