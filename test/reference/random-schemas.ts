/**
 * JSON schemas that are made up at random, of every keyword that answers are held to; and texts that a grammar leads to, each byte drawn
 * from those that may come next.
 */
import type { Automaton, State } from '../../src/grammar/automaton.js';

type Random = () => number;
export type RandomSchema = Record<string, unknown>;

const NAMES = ['a', 'b', 'name', 'größe', 'x-id', 'a b', '"q"'];
const PATTERNS = [
  '^[a-c]+$',
  'b',
  '^(?=.*\\d)\\w{2,6}$',
  '^(?!ab)[ab]{1,3}$',
  '^\\p{Lu}\\w*$',
  '\\bno\\b',
  '^x-',
  '(^a|b$)',
  '^é?.{0,4}$',
  '^(?:ab|c)*$',
];
const FORMATS = [
  'date',
  'time',
  'date-time',
  'email',
  'ipv4',
  'ipv6',
  'uuid',
  'hostname',
  'uri',
  'duration',
  'json-pointer',
  'markdown',
  'int64',
];
const VALUES: readonly unknown[] = ['a', 'ab', 'été', '"', '', 0, 1, -1, 2.5, 10, true, false, null, [], [1], {}, { a: 1 }]; // prettier-ignore

/** Of a document whose `$defs` are `d0` and `d1`, which may refer to each other. */
export function randomSchema(random: Random): RandomSchema {
  const maker = new SchemaMaker(random);
  const root = maker.schema(3);
  // Objects, so that no schema is itself without end.
  return { ...root, $defs: { d0: maker.object(2), d1: maker.object(1) } };
}

class SchemaMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  schema(depth: number): RandomSchema {
    const kind = this.#kind(depth);
    return this.#maybe(0.2) && depth > 0 ? { ...kind, ...this.#combined(depth - 1) } : kind;
  }

  #kind(depth: number): RandomSchema {
    const makers = [
      () => this.#string(),
      () => this.#number(),
      () => this.#values(),
      () => this.#string(),
      ...(depth > 0
        ? [() => this.object(depth - 1), () => this.#array(depth - 1), () => this.object(depth - 1)]
        : []),
      ...(depth > 0 ? [() => this.#combined(depth - 1), () => ({ $ref: `#/$defs/d${this.#upTo(1)}` })] : []),
      () => ({ type: this.#some(['boolean', 'null', 'string', 'integer'], 2) }),
      () => ({ type: this.#one(['string', 'integer', 'boolean']), nullable: true }),
    ];
    return this.#one(makers)();
  }

  #string(): RandomSchema {
    const min = this.#upTo(3);
    return {
      type: 'string',
      ...(this.#maybe(0.4) && { pattern: this.#one(PATTERNS) }),
      ...(this.#maybe(0.2) && { format: this.#one(FORMATS) }),
      ...(this.#maybe(0.3) && { minLength: min }),
      ...(this.#maybe(0.3) && { maxLength: min + this.#upTo(20) }),
      ...(this.#maybe(0.1) && {
        not: this.#one([{ pattern: this.#one(PATTERNS) }, { enum: ['a', 'ab'] }, { minLength: 9 }]),
      }),
      ...(this.#maybe(0.1) && { contentEncoding: 'x', errorMessage: 'no', title: 'T' }),
    };
  }

  #number(): RandomSchema {
    const type = this.#one(['integer', 'number']);
    const min = this.#upTo(40) / this.#one([1, 4]) - 5;
    return {
      type,
      ...(this.#maybe(0.5) && { [this.#one(['minimum', 'exclusiveMinimum'])]: min }),
      ...(this.#maybe(0.5) && { [this.#one(['maximum', 'exclusiveMaximum'])]: min + 1 + this.#upTo(30) }),
      ...(this.#maybe(0.3) && { multipleOf: this.#one(type === 'integer' ? [1, 2, 5] : [0.25, 0.5, 1, 3]) }),
      ...(this.#maybe(0.1) && { not: { const: Math.ceil(min) } }),
    };
  }

  #values(): RandomSchema {
    const values = this.#some(VALUES, 4);
    return this.#one<RandomSchema>([
      { enum: values },
      { const: values[0] },
      { enum: values, type: ['string', 'number', 'object'] },
      { ...this.#string(), enum: [...values, 'ab', 'c'], format: 'text' },
      { type: ['string', 'number', 'boolean'], not: { enum: values } },
    ]);
  }

  object(depth: number): RandomSchema {
    const names = this.#some(NAMES, 4).map(String);
    const isListed = this.#maybe(0.9);
    const properties = Object.fromEntries(names.map((name) => [name, this.schema(depth)]));
    return {
      type: 'object',
      ...(isListed && { properties }),
      ...(isListed && this.#maybe(0.6) && { required: names.filter(() => this.#maybe(0.5)) }),
      ...(this.#maybe(0.5) && { additionalProperties: this.#one([false, false, true, this.schema(0)]) }),
      ...(this.#maybe(0.2) && { patternProperties: { [this.#one(['^x-', 'a', '^\\d+$'])]: this.schema(0) } }),
      ...(this.#maybe(0.1) && {
        propertyNames: this.#one([{ maxLength: 4 }, { pattern: '^[a-x]' }, { enum: [...names, 'c'] }]),
      }),
      ...(this.#maybe(0.15) && { minProperties: this.#upTo(2) }),
      ...(this.#maybe(0.15) && { maxProperties: 1 + this.#upTo(3) }),
      ...(this.#maybe(0.1) && { dependentRequired: { [names[0] ?? 'a']: [names.at(-1) ?? 'b'] } }),
      ...(this.#maybe(0.1) && {
        dependentSchemas: { [names[0] ?? 'a']: { required: [names.at(-1) ?? 'b'] } },
      }),
    };
  }

  #array(depth: number): RandomSchema {
    const min = this.#upTo(2);
    return {
      type: 'array',
      ...(this.#maybe(0.7) && { items: this.schema(depth) }),
      ...(this.#maybe(0.2) && { prefixItems: [this.schema(depth), this.schema(0)] }),
      ...(this.#maybe(0.3) && { minItems: min }),
      ...(this.#maybe(0.4) && { maxItems: min + this.#upTo(3) }),
      ...(this.#maybe(0.15) && {
        contains: this.schema(0),
        ...(this.#maybe(0.3) && { minContains: this.#upTo(2) }),
      }),
      ...(this.#maybe(0.2) && {
        uniqueItems: true,
        items: this.#one<RandomSchema>([{ type: 'integer' }, { type: 'string' }, { enum: [1, 'a', null] }]),
      }),
    };
  }

  #combined(depth: number): RandomSchema {
    const [one, other] = [this.schema(depth), this.schema(depth)];
    const name = this.#one(NAMES);
    return this.#one<RandomSchema>([
      { anyOf: [one, other] },
      { oneOf: [one, other] },
      { oneOf: ['x', 'y'].map((kind) => this.#tagged(kind, depth)) },
      { allOf: [one, { description: 'more' }] },
      { allOf: [this.object(depth), this.object(depth)] },
      {
        if: { properties: { [name]: { type: 'string' } } },
        then: { required: [name] },
        else: this.object(depth),
      },
      {
        not: this.#one<RandomSchema>([
          { type: 'string' },
          { const: 1 },
          { required: [name] },
          { properties: { [name]: { const: 1 } } },
        ]),
      },
    ]);
  }

  #tagged(kind: string, depth: number): RandomSchema {
    return {
      type: 'object',
      properties: { kind: { const: kind }, value: this.schema(depth) },
      required: ['kind'],
      additionalProperties: false,
    };
  }

  #maybe(chance: number): boolean {
    return this.#random() < chance;
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #one<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] as T;
  }

  /** Different ones, one at least. */
  #some<T>(all: readonly T[], most: number): T[] {
    const count = 1 + this.#upTo(most - 1);
    return [...new Set(Array.from({ length: count }, () => this.#one(all)))];
  }
}

/** Bytes that bring a text to its end, at random more often than others. */
const CLOSING = new Set([...'"]}'].map((char) => char.charCodeAt(0)));

/**
 * @returns a whole text; undefined where it did not end in so many bytes
 * @throws Error where the automaton leads to a place from which nothing goes on
 */
export function randomText(automaton: Automaton, random: Random, maxBytes = 600): string | undefined {
  const bytes: number[] = [];
  let state: State = automaton.start;
  while (bytes.length < maxBytes) {
    const next = nextStates(automaton, state);
    if (state.canEnd && (next.size === 0 || random() < 0.3)) return Buffer.from(bytes).toString();
    if (next.size === 0) throw new Error(`nothing goes on after ${Buffer.from(bytes).toString()}`);
    const all = [...next.keys()];
    const closing = all.filter((byte) => CLOSING.has(byte));
    const from = closing.length > 0 && random() < 0.4 ? closing : all;
    const byte = from[Math.floor(random() * from.length)] as number;
    bytes.push(byte);
    state = next.get(byte) as State;
  }
  return undefined;
}

function nextStates(automaton: Automaton, state: State): Map<number, State> {
  const next = new Map<number, State>();
  for (let byte = 0; byte < 256; byte++) {
    const reached = automaton.step(state, byte);
    if (reached) next.set(byte, reached);
  }
  return next;
}
