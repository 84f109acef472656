import { expect, test } from 'vitest';
import { standInEngine } from '../../../test/support/live-server.js';
import type { ServedEngine } from '../requests/settings.js';
import { answerLimit, LIKELY_TOKENS } from './answer-limit.js';

/** Of one layer with one KV head of 2 numbers: 16 bytes a row. */
function engineOf(contextTokens: number, kvBytesLimit?: number): ServedEngine {
  const engine = standInEngine(() => {
    throw new Error('nobody asks');
  });
  const shape = { layers: 1, kvHeads: 1, headDim: 2, contextTokens };
  const workers =
    kvBytesLimit === undefined
      ? []
      : [{ ready: { kvBytesLimit } }, { ready: { kvBytesLimit: 10 * kvBytesLimit } }];
  return {
    ...engine,
    model: { ...engine.model, shape },
    settings: { kvDtype: 'f32', maxRunning: 4 },
    workers,
  } as unknown as ServedEngine;
}
const PROMPT = new Int32Array(100);
const limitOf = (engine: ServedEngine, asked?: number, most?: number) =>
  answerLimit(PROMPT, engine, asked, most);

test('what is asked for holds, 0 too, and what is above the room asks for no limit', () => {
  const engine = engineOf(1000, 1e9);
  expect(limitOf(engine, 7)).toEqual({ maxTokens: 7 });
  expect(limitOf(engine, 0)).toEqual({ maxTokens: 0 });
  expect(limitOf(engine, 900)).toEqual({ maxTokens: 900 });
  expect(limitOf(engine, 901)).toEqual({ maxTokens: 900, likelyTokens: 900 });
});

test('without a limit an answer has the room that is left, as far as the server says', () => {
  expect(limitOf(engineOf(10_000, 1e9))).toEqual({ maxTokens: 9_900, likelyTokens: LIKELY_TOKENS });
  expect(limitOf(engineOf(10_000, 1e9), undefined, 50)).toEqual({ maxTokens: 50, likelyTokens: 50 });
});

test('where the server says nothing, the model may', () => {
  const engine = engineOf(10_000, 1e9);
  const talkative = { ...engine, model: { ...engine.model, maxNewTokens: 70 } };
  expect(limitOf(talkative)).toEqual({ maxTokens: 70, likelyTokens: 70 });
  expect(limitOf(talkative, undefined, 5_000).maxTokens).toBe(5_000);
  expect(limitOf(talkative, 9_000)).toEqual({ maxTokens: 9_000 });
});

test('as many answers without a limit as may run fit into the smallest memory, and a usual one always', () => {
  // 4 answers of 3,000 rows.
  expect(limitOf(engineOf(1e6, 4 * 3_000 * 16)).maxTokens).toBe(2_900);
  expect(limitOf(engineOf(1e6, 16)).maxTokens).toBe(LIKELY_TOKENS);
  // While no worker is there.
  expect(limitOf(engineOf(1e6)).maxTokens).toBe(LIKELY_TOKENS);
});
