/**
 * A hostile request drawn by a seed: schemas of every kind that made trouble, and prompts of many shapes. Pure.
 */
import { seededRandom } from '../../src/core/random.js';
import { chat, completion, type HostileCase, schemaCase } from './requests.js';

type Draw = {
  /** A whole number below `most`; small ones as often as those of any other length. */
  readonly below: (most: number) => number;
  readonly one: <T>(list: readonly T[]) => T;
  readonly many: <T>(most: number, make: (index: number) => T) => T[];
};
type Kind = readonly [name: string, make: (draw: Draw) => (name: string) => HostileCase];

const LEAVES = [true, { type: 'string' }, { type: 'integer' }, { type: ['string', 'null'] }, { const: 1 }];
const PATTERN_PARTS = [
  '.*',
  'a',
  '(a|b)',
  '[^x]',
  '\\w',
  '\\W',
  '(a*)*',
  '.{0,500}',
  '(ab){1,30}',
  '[a-z0-9]{2,9}',
  '|',
  '$',
];

function drawOf(seed: number): Draw {
  const random = seededRandom(seed);
  const below = (most: number): number => Math.floor(Math.exp(random() * Math.log(most + 1))) - 1;
  return {
    below,
    one: (list) => list[Math.floor(random() * list.length)] as never,
    many: (most, make) => Array.from({ length: 1 + below(most) }, (_, index) => make(index)),
  };
}

function tree(draw: Draw, depth: number): unknown {
  if (depth === 0) return draw.one([...LEAVES, { $ref: `#/$defs/d${draw.below(40)}` }]);
  const inner = (): unknown => tree(draw, depth - 1);
  const word = draw.one(['anyOf', 'allOf', 'oneOf', 'properties', 'items', 'beside']);
  if (word === 'properties')
    return { type: 'object', properties: Object.fromEntries(draw.many(20, (at) => [`p${at}`, inner()])) };
  if (word === 'items') return { type: 'array', items: inner(), maxItems: draw.below(100_000) };
  if (word === 'beside') return { $ref: `#/$defs/d${draw.below(40)}`, required: [`p${draw.below(99)}`] };
  return { [word]: draw.many(8, inner) };
}

const KINDS: readonly Kind[] = [
  ['refs', (draw) => {
    const $defs = Object.fromEntries(draw.many(40, (at) => [`d${at}`, tree(draw, 1 + draw.below(3))]));
    return (name) => schemaCase(name, { $defs, anyOf: draw.many(900, () => tree(draw, draw.below(2))) });
  }],
  ['tree', (draw) => (name) => schemaCase(name, tree(draw, 1 + draw.below(6)))],
  ['patterns', (draw) => (name) => schemaCase(name, {
    type: 'object',
    properties: Object.fromEntries(draw.many(60, (at) => [`p${at}`, { type: 'string', pattern: `^${draw.many(60, () => draw.one(PATTERN_PARTS)).join('')}` }])),
  })],
  ['enum', (draw) => (name) => schemaCase(name, { enum: draw.many(12_000, (at) => draw.one([at, `v${at}`, [at], { at }])) })],
  ['deep', (draw) => {
    let schema: unknown = true;
    for (let depth = draw.below(200); depth >= 0; depth--) schema = draw.one([{ items: schema, type: 'array' }, { anyOf: [schema] }, { properties: { p: schema } }]);
    return (name) => schemaCase(name, schema);
  }],
  ['wide', (draw) => (name) => schemaCase(name, { type: 'object', properties: Object.fromEntries(draw.many(4000, (at) => [`p${at}`, draw.one(LEAVES)])), required: draw.many(40, (at) => `p${at * 7}`) })],
  ['prompt', (draw) => (name) => completion(name, { prompt: draw.one(['a', 'ab ', '\n', '😀', 'word ', '<|x|>', '  ']).repeat(draw.one([1, 100_000]) + draw.below(300) * draw.one([1, 3000])) })],
  ['messages', (draw) => (name) => chat(name, { messages: draw.many(300, () => ({ role: draw.one(['user', 'assistant', 'system']), content: 'x'.repeat(draw.below(50)) })) })],
]; // prettier-ignore

/** Always the same for a seed. */
export function generatedCase(seed: number): HostileCase {
  const draw = drawOf(seed);
  const [kind, make] = draw.one(KINDS);
  return make(draw)(`${kind} ${seed}`);
}
