/**
 * Shapes that people write with zod 4, as they come from its own JSON schema: every whole text under one is what zod itself takes.
 */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { seededRandom } from '../core/random.js';
import { draw } from './accepts.test-support.js';
import { compileGrammar } from './grammar.js';

const short = z.string().max(6);
const point = z.object({ x: z.number().min(0).max(9), y: z.number().min(0).max(9) });
const node: z.ZodType = z.object({ name: short, get children() { return z.array(node).max(1); } }); // prettier-ignore
const COLOUR = { Red: 'red', Blue: 'blue' } as const;

const SHAPES: Readonly<Record<string, z.ZodType>> = {
  'string': z.string(),
  'string of a length': z.string().length(4),
  'string with bounds': z.string().min(2).max(5),
  'string that is not empty': z.string().nonempty().max(9),
  'string by pattern': z.string().regex(/^[A-Z]{2}-\d{3}$/),
  'string that begins': z.string().startsWith('ab').max(9),
  'string that ends': z.string().endsWith('yz').max(9),
  'string that includes': z.string().includes('-').max(9),
  'two patterns': z.string().regex(/^a/).regex(/z$/).max(9),
  'pattern with lengths': z.string().regex(/^[a-f]+$/).min(2).max(4),
  'email': z.email(),
  'uuid': z.uuid(),
  'uuid v4': z.uuidv4(),
  'uuid v7': z.uuidv7(),
  'guid': z.guid(),
  'cuid': z.cuid(),
  'cuid2': z.cuid2(),
  'ulid': z.ulid(),
  'xid': z.xid(),
  'ksuid': z.ksuid(),
  'nanoid': z.nanoid(),
  'ipv4': z.ipv4(),
  'cidr v4': z.cidrv4(),
  'iso date': z.iso.date(),
  'iso time': z.iso.time(),
  'iso datetime': z.iso.datetime(),
  'iso datetime with offset': z.iso.datetime({ offset: true }),
  'iso duration': z.iso.duration(),
  'e164': z.e164(),
  'base64': z.base64().max(12),
  'base64url': z.base64url().max(12),
  'emoji by hand': z.enum(['🙂', '🙃']),
  'number': z.number(),
  'number with bounds': z.number().min(-2).max(2.5),
  'number above': z.number().gt(0),
  'number below': z.number().lt(0),
  'positive': z.number().positive(),
  'not negative': z.number().nonnegative(),
  'negative': z.number().negative(),
  'integer': z.int(),
  'integer with bounds': z.int().min(1).max(10),
  '32 bits': z.int32(),
  '32 bits without sign': z.uint32(),
  'float32': z.float32(),
  'multiple': z.int().multipleOf(5).min(0).max(100),
  'boolean': z.boolean(),
  'null': z.null(),
  'literal': z.literal('yes'),
  'literal number': z.literal(7),
  'several literals': z.literal(['a', 2, true, null]),
  'enum': z.enum(['low', 'medium', 'high']),
  'native enum': z.enum(COLOUR),
  'enum less one': z.enum(['a', 'b', 'c']).exclude(['b']),
  'template literal': z.templateLiteral(['v', z.int().min(0).max(9), '.', z.enum(['x', 'y'])]),
  'nullable': short.nullable(),
  'nullable number': z.int().min(0).max(5).nullable(),
  'described': short.describe('a name'),
  'with meta': short.meta({ title: 'Name', examples: ['ab'] }),
  'branded': short.brand('Name'),
  'readonly': z.object({ a: short }).readonly(),
  'with a default': z.object({ a: short.default('x') }),
  'with a prefault': z.object({ a: short.prefault('x') }),
  'empty object': z.object({}),
  'object': z.object({ name: short, age: z.int().min(0).max(120) }),
  'strict object': z.strictObject({ a: short, b: z.boolean() }),
  'object with an optional': z.object({ a: short, b: z.boolean().optional() }),
  'object of optionals': z.object({ a: short, b: short }).partial(),
  'required again': z.object({ a: short.optional() }).required(),
  'nullish field': z.object({ a: short.nullish() }),
  'object in an object': z.object({ at: point, to: z.object({ at: point }) }),
  'picked': z.object({ a: short, b: short }).pick({ a: true }),
  'omitted': z.object({ a: short, b: short }).omit({ a: true }),
  'extended': z.object({ a: short }).extend({ b: z.int().min(0).max(3) }),
  'with a catch-all': z.object({ a: short }).catchall(z.boolean()),
  'keys that need quotes': z.object({ 'a b': short, 'ü"\\': z.boolean() }),
  'the same shape twice': z.object({ from: point, to: point }),
  'array': z.array(z.int().min(0).max(9)),
  'array with bounds': z.array(short).min(1).max(3),
  'array of a length': z.array(z.boolean()).length(2),
  'array that is not empty': z.array(z.boolean()).nonempty().max(4),
  'array of objects': z.array(point).max(2),
  'array of arrays': z.array(z.array(z.int().min(0).max(9)).max(2)).max(2),
  'tuple': z.tuple([short, z.int().min(0).max(9)]),
  'tuple with a rest': z.tuple([short], z.boolean()),
  'record': z.record(z.string().regex(/^[a-z]{1,4}$/), z.int().min(0).max(9)),
  'record of an enum': z.record(z.enum(['a', 'b']), z.boolean()),
  'partial record': z.partialRecord(z.enum(['a', 'b']), z.boolean()),
  'union': z.union([short, z.int().min(0).max(9)]),
  'union of objects': z.union([z.object({ a: short }), z.object({ b: z.boolean() })]),
  'discriminated union': z.discriminatedUnion('type', [
    z.object({ type: z.literal('circle'), radius: z.int().min(1).max(9) }),
    z.object({ type: z.literal('square'), side: z.int().min(1).max(9) }),
  ]),
  'union in an array': z.array(z.union([z.literal('a'), z.object({ b: z.boolean() })])).max(3),
  'intersection': z.intersection(z.looseObject({ a: short }), z.looseObject({ b: z.boolean() })),
  'recursive': node,
  'lazy': z.lazy(() => point),
  'any in a field': z.object({ a: z.any() }),
  'unknown in a field': z.object({ a: z.unknown() }),
  'json': z.json(),
  'steps of a chain of thought': z.object({ steps: z.array(z.object({ explanation: short, output: short })).max(2), final_answer: short }),
  'entities of a text': z.object({ people: z.array(short).max(2), places: z.array(short).max(2), date: z.iso.date().nullable() }),
}; // prettier-ignore

const TEXTS = 3;

test('there are 99', () => {
  expect(Object.keys(SHAPES)).toHaveLength(99);
});

test.each(Object.entries(SHAPES))('%s', (_, shape) => {
  const random = seededRandom(5);
  const automaton = compileGrammar({ type: 'json', schema: z.toJSONSchema(shape, { io: 'input' }) });
  const texts = Array.from({ length: TEXTS }, () => draw(automaton, random)).filter(
    (text) => text !== undefined,
  );
  expect(texts).not.toEqual([]);
  for (const text of texts)
    expect({ text, error: shape.safeParse(JSON.parse(text)).error }).toEqual({ text, error: undefined });
});
