import { afterAll, describe, expect, test } from 'vitest';
import type { Grammar } from '../../grammar/grammar.js';
import { openTokenizer, type TokenizerSource } from '../../tokenizer/index.js';
import { AcceptedGrammar } from './accepted-grammar.js';
import { InlinePreparation } from './inline-preparation.js';
import { SMALL_CHARS } from './limits.js';
import type { RequestPreparation } from './preparation.js';
import { ThreadPreparation } from './thread-preparation.js';

const CONTEXT_TOKENS = 100_000;
const source: TokenizerSource = { kind: 'bytes', vocabulary: 300, bytes: 0 };
const model = { tokenizer: await openTokenizer(source), contextTokens: CONTEXT_TOKENS };
const json = (schema: unknown): Grammar => ({ type: 'json', schema });

const KINDS: readonly (readonly [kind: string, make: () => RequestPreparation])[] = [
  ['inline', () => new InlinePreparation(model)],
  ['threads', () => new ThreadPreparation(model, source)],
];

describe.each(KINDS)('preparation: %s', (_kind, make) => {
  const preparation = make();
  afterAll(() => preparation.close());

  test('small and large prompts get the ids of the tokenizer', async () => {
    for (const text of ['hi', 'y'.repeat(SMALL_CHARS + 1)]) {
      const ids = await preparation.promptIds({ kind: 'text', text });
      expect([...ids]).toEqual(model.tokenizer.encode(text));
    }
  });

  test('a prompt that can not fit is refused', async () => {
    const text = 'x'.repeat(CONTEXT_TOKENS + 1);
    await expect(preparation.promptIds({ kind: 'text', text })).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
    });
  });

  test('errors of the tokenizer are its own', async () => {
    const messages = [{ role: 'user', content: 'hi' }];
    await expect(preparation.promptIds({ kind: 'chat', messages })).rejects.toThrow(/has no chat template/);
  });

  test('a grammar is accepted as it is, once and again', async () => {
    const grammar = json({ type: 'object', properties: { a: { type: 'integer' } } });
    for (const accepted of [await preparation.accept(grammar), await preparation.accept(grammar)]) {
      expect(accepted).toBeInstanceOf(AcceptedGrammar);
      expect(accepted.grammar).toBe(grammar);
    }
  });

  test('a grammar that is wrong is refused, and it is told which part', async () => {
    const parts = [json(true), json({ type: 'nothing' })];
    await expect(preparation.accept(json({ type: 'nothing' }), undefined, parts)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      fields: { index: 1 },
    });
  });

  test('a small schema that comes to a lot is refused', async () => {
    const definition = {
      type: 'object',
      properties: Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`p${i}`, true])),
    };
    const anyOf = Array.from({ length: 200 }, (_, i) => ({ $ref: '#/$defs/d', required: [`p${i}`] }));
    await expect(preparation.accept(json({ $defs: { d: definition }, anyOf }))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  test('nothing is begun for who has left', async () => {
    const signal = AbortSignal.abort();
    await expect(preparation.promptIds({ kind: 'text', text: 'hi' }, signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  test('once closed, nothing is prepared; closing twice is harmless', async () => {
    const other = make();
    await other.close();
    await other.close();
    await expect(other.promptIds({ kind: 'text', text: 'hi' })).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
