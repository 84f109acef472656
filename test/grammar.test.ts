/**
 * Answers that are held to a JSON schema, by models that talk nonsense: whatever the weights, the seed, the workers
 * and the neighbours, the answer is valid, as a validator that is not ours tells.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, type GenerateRequest } from '../src/index.js';
import { saveTalkingLlama } from './support/talking-llama.js';

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    email: { type: ['string', 'null'], pattern: '^[a-z]{1,8}@[a-z]{1,8}\\.(com|org)$' },
    tags: { type: 'array', items: { enum: ['a', 'b', 'c "quoted"', 'été'] }, maxItems: 3 },
    score: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  },
  required: ['name', 'age', 'tags'],
  additionalProperties: false,
};
const SCHEMAS: Readonly<Record<string, Record<string, unknown>>> = {
  PERSON,
  list: {
    $defs: {
      link: {
        type: 'object',
        properties: {
          value: { type: 'boolean' },
          next: { anyOf: [{ $ref: '#/$defs/link' }, { type: 'null' }] },
        },
        required: ['value', 'next'],
        additionalProperties: false,
      },
    },
    $ref: '#/$defs/link',
  },
  shapes: {
    type: 'array',
    minItems: 1,
    maxItems: 2,
    items: {
      oneOf: [
        {
          type: 'object',
          properties: { kind: { const: 'dot' } },
          required: ['kind'],
          additionalProperties: false,
        },
        {
          type: 'object',
          properties: { kind: { const: 'box' }, size: { type: 'integer', maximum: 9, minimum: -9 } },
          required: ['kind', 'size'],
          additionalProperties: false,
        },
      ],
    },
  },
  scores: { type: 'object', additionalProperties: { type: 'integer', minimum: 1, maximum: 5 } },
  tuple: { type: 'array', prefixItems: [{ type: 'boolean' }, { type: 'null' }], items: false, minItems: 2 },
  odd: {
    type: 'object',
    properties: { toString: { type: 'null' }, constructor: { const: 1 } },
    required: ['toString', 'constructor'],
    additionalProperties: false,
  },
};

/** Without a bound of their own; such an answer may go on for as long as it likes. */
const ENDLESS = [SCHEMAS['scores'], SCHEMAS['list']];

const ajv = new Ajv2020({ strict: false, ownProperties: true });
const cacheDir = mkdtempSync(join(tmpdir(), 'kvr-grammar-'));
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

/** Checks one answer. @returns its text */
async function ask(
  engine: Engine,
  schema: Record<string, unknown>,
  request: GenerateRequest,
): Promise<string> {
  const isEndless = ENDLESS.includes(schema);
  const result = await engine.complete({ maxTokens: isEndless ? 80 : 1500, ...request, jsonSchema: schema });
  if (result.finishReason === 'length') expect(isEndless).toBe(true);
  else
    expect([ajv.validate(schema, JSON.parse(result.text)), ajv.errors, result.text]).toEqual([
      true,
      null,
      result.text,
    ]);
  return result.text;
}

const KINDS = ['quote', 'byte-level', 'sentence-piece'] as const;
describe.each(KINDS)('a model with the tokenizer of %s', (kind) => {
  let engine: Engine;
  beforeAll(async () => {
    const model = kind === 'quote' ? kind : join(cacheDir, kind);
    if (kind !== 'quote') await saveTalkingLlama(model, { tokenizer: kind, layers: 1 });
    engine = await Engine.load({
      ...{ model, workers: 2, threads: 1, cacheDir, calibrate: false },
      prefixCacheBytes: 10_000_000,
    });
  });
  afterAll(() => engine.close());

  test.each(Object.keys(SCHEMAS))('answers by the schema %s, whatever seed and temperature', async (name) => {
    const schema = SCHEMAS[name] ?? {};
    const requests = [0, 1, 3].map((seed) => ({
      prompt: `the cat number ${seed % 3}`,
      sampling: {
        temperature: seed % 2 === 0 ? 1 : 5,
        seed,
        ...(seed === 3 && { topK: 5, topP: 0.9, minP: 0.01 }),
      },
    }));
    await Promise.all(requests.map((request) => ask(engine, schema, request)));
    await ask(engine, schema, { prompt: 'the cat', sampling: { repetitionPenalty: 1.5, topLogprobs: 3 } });
  });

  test('a chain of two, and rows of an earlier request, give the answer that one worker gives', async () => {
    const request = { prompt: 'the cat and the hat '.repeat(8), sampling: { temperature: 2, seed: 4 } };
    const alone = await ask(engine, PERSON, { ...request, strategy: 'single', prefixCache: false });
    const chain = {
      ...request,
      partition: [40, 0].map((size, rank) => (rank === 0 ? size : promptTokens(engine, request.prompt) - 40)),
    };
    expect(await ask(engine, PERSON, { ...chain, prefixCache: false })).toBe(alone);
    expect(await ask(engine, PERSON, chain)).toBe(alone);
    expect(await ask(engine, PERSON, request)).toBe(alone);
  });

  test('answers with and without a grammar that decode together do not mix', async () => {
    const free = [0, 1, 2, 3].map((seed) => ({
      ...{ prompt: `he is ${seed}`, maxTokens: 40 },
      sampling: { temperature: 1, seed },
    }));
    const before: string[] = [];
    for (const request of free) before.push((await engine.complete(request)).text);
    const [texts] = await Promise.all([
      Promise.all(free.map(async (request) => (await engine.complete(request)).text)),
      ...[PERSON, SCHEMAS['shapes'] ?? {}, SCHEMAS['tuple'] ?? {}].map((schema) =>
        ask(engine, schema, { prompt: 'x' }),
      ),
    ]);
    expect(texts).toEqual(before);
  });

  test('an answer ends as soon as it is whole, and only then', async () => {
    const jsonSchema = { const: [true] };
    const { text, finishReason } = await engine.complete({ prompt: 'the', jsonSchema, maxTokens: 50 });
    expect([text, finishReason]).toEqual(['[true]', 'stop']);
    const cut = await engine.complete({
      prompt: 'the',
      jsonSchema: { type: 'string', minLength: 30 },
      maxTokens: 5,
    });
    expect(cut.finishReason).toBe('length');
  });
});

function promptTokens(engine: Engine, prompt: string): number {
  return engine.model.tokenizer.encode(prompt).length;
}

test('a schema that can not be used is refused before anything runs', async () => {
  const engine = await Engine.load({ model: 'quote', threads: 1, cacheDir, calibrate: false });
  const refused = (jsonSchema: Record<string, unknown>) =>
    expect(engine.complete({ prompt: 'x', jsonSchema })).rejects;
  await refused({ type: 'string', pattern: '(a)\\1' }).toThrow('a pattern has');
  await refused({ not: {} }).toThrow('no text can satisfy it');
  await refused({ enum: [] }).toThrow('no text can satisfy it');
  await expect(
    engine.complete({ prompt: 'x', jsonSchema: true, grammar: { type: 'text', text: 'x' } }),
  ).rejects.toThrow('one of grammar and jsonSchema');
  await engine.close();
});
