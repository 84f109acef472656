/**
 * Every dtype keeps the promise: any partition over any number of workers gives the tokens that one worker gives. What
 * one worker gives is the reference here, since a quantised model is another model than f32.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dtype, ModelShape } from '../src/core/shape.js';
import { Engine, type GenerateRequest } from '../src/index.js';
import { seededRandom } from './reference/random.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { TINY_LLAMA, withHeadDim } from './reference/shapes.js';
import { saveHfFolder } from './support/hf-folder.js';
import { referenceCheckpoint } from './support/reference-checkpoint.js';
import { largestDifference } from './support/same-answer.js';

const WORKERS = 3;
const STEPS = 10;
const PROMPT_TOKENS = 41;

/**
 * Activations are rounded to 8 bits, so a difference in the last digit of an f32 sum can move one by a whole step, which
 * moves logits by more than f32's own noise.
 */
const LOGIT_TOLERANCE = 0.05;
const MARGIN = 2 * LOGIT_TOLERANCE;

const LLAMA: ModelShape = withHeadDim(
  {
    ...TINY_LLAMA,
    layers: 3,
    hidden: 64,
    feedForward: 96,
    vocabulary: 97,
    contextTokens: 128,
  },
  16,
);

const CUTS: readonly GenerateRequest[] = [
  { workers: 2, partition: 'e' },
  { workers: 3, partition: 'e' },
  { partition: [1, PROMPT_TOKENS - 1] },
  { partition: [PROMPT_TOKENS - 1, 1] },
  { partition: [1, PROMPT_TOKENS - 2, 1] },
  { strategy: 'tsp', workers: 2, partition: 'e' },
];

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-dtypes-'));
  await saveHfFolder(randomCheckpoint(LLAMA, 11), join(folder, 'llama'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REFERENCES = ['falcon-random', 'stories260k'].map(referenceCheckpoint);
const CASES: readonly { readonly title: string; readonly model: () => string; readonly isHere: boolean }[] = [
  { title: 'random Llama', model: () => join(folder, 'llama'), isHere: true },
  ...REFERENCES.map((one) => ({ ...one, model: () => one.folder })),
];

type Answer = {
  readonly ids: readonly number[];
  readonly logits: Float32Array;
  /** Between the two largest logits of each step, where log-probabilities were asked for. */
  readonly margins: readonly number[];
};

async function answerOf(engine: Engine, request: GenerateRequest): Promise<Answer> {
  let logits = new Float32Array();
  const margins: number[] = [];
  for await (const event of engine.generate({ ...request, wantLogits: true })) {
    if (event.type === 'token' && event.logits) logits = event.logits.slice();
    if (event.type === 'token' && event.logprobs) {
      const [best, second] = event.logprobs.top;
      margins.push((best?.logprob ?? 0) - (second?.logprob ?? 0));
    }
    if (event.type === 'done') return { ids: event.result.tokenIds, logits, margins };
  }
  throw new Error('a generation ended without a result');
}

/** The first steps whose choice is certain: f32 noise can not turn it over. */
async function certainAnswer(engine: Engine, promptIds: readonly number[]): Promise<Answer> {
  const request = { strategy: 'single' as const, promptIds: [...promptIds], maxTokens: STEPS };
  const { ids, logits, margins } = await answerOf(engine, { ...request, sampling: { topLogprobs: 2 } });
  const narrow = margins.findIndex((margin) => margin < MARGIN);
  return { ids: narrow < 0 ? ids : ids.slice(0, narrow), logits, margins };
}

describe.each(['q8', 'q4', 'w8a8'] satisfies Dtype[])('%s', (dtype) => {
  for (const { title, model, isHere } of CASES) {
    test.skipIf(!isHere)(`${title}: any partition gives the same tokens`, async () => {
      const engine = await Engine.load({
        model: model(),
        workers: WORKERS,
        threads: 1,
        dtype,
        calibrate: false,
        cacheDir: folder,
      });
      try {
        const random = seededRandom(5);
        let certainSteps = 0;
        for (let prompt = 0; prompt < 2; prompt++) {
          const promptIds = Array.from({ length: PROMPT_TOKENS }, () => random.below(97));
          const expected = await certainAnswer(engine, promptIds);
          certainSteps += expected.ids.length;
          for (const cut of CUTS) {
            const { ids, logits } = await answerOf(engine, { promptIds, maxTokens: STEPS, ...cut });
            expect(largestDifference(logits, expected.logits)).toBeLessThan(LOGIT_TOLERANCE);
            expect(ids.slice(0, expected.ids.length)).toEqual(expected.ids);
          }
        }
        expect(certainSteps).toBeGreaterThanOrEqual(STEPS / 2);
      } finally {
        await engine.close();
      }
    });
  }
});
