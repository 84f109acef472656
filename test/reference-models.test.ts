/**
 * Checkpoints with ids and logits of independent implementations: what we run gives those, over 1, 2, 3 and 5 workers. A
 * random Falcon layout is part of the repository; a trained Llama layout is not. Other families: families.test.ts.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, type GenerateRequest } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { readReferenceCheckpoint } from './reference/hf-test-reader.js';
import { COMMITTED_MODELS, referenceCheckpoint } from './support/reference-checkpoint.js';
import { expectSameAnswer } from './support/same-answer.js';

const SUPPORTED = ['falcon-random'];
/** In families.test.ts. */
const ELSEWHERE = ['mistral', 'qwen3'];
/** Not part of the repository: its weights are trained. */
const BESIDE = ['stories260k'];
/** Every step of the longest case would be most of the suite's time; this many show the cache's growth. */
const MAX_STEPS = 16;
/** Of one cut: as far as the cases go. */
const ALL_STEPS = 512;

let cacheDir = '';
beforeAll(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-reference-models-'));
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

/** Cuts of a prompt of so many tokens; those that need more tokens than there are fall away. */
function cutsOf(tokens: number): GenerateRequest[] {
  const lopsided = [
    [1, tokens - 1],
    [tokens - 1, 1],
    [1, tokens - 2, 1],
    [1, 1, tokens - 4, 1, 1],
  ];
  return [
    ...[1, 2, 3, 5].map((workers) => ({ workers, partition: 'e' as const })),
    ...lopsided.filter((sizes) => sizes.every((size) => size > 0)).map((partition) => ({ partition })),
  ];
}

test('every checkpoint that is part of the repository is known here', () => {
  const entries = readdirSync(COMMITTED_MODELS, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(folders.sort()).toEqual([...SUPPORTED, ...ELSEWHERE].sort());
});

for (const name of [...SUPPORTED, ...BESIDE]) {
  const { title, folder, isHere, cases } = referenceCheckpoint(name);
  describe.skipIf(!isHere)(title, () => {
    let engine: Engine;
    let plain: ReferenceModel;
    beforeAll(async () => {
      plain = await ReferenceModel.load(readReferenceCheckpoint(folder));
      const settings = { workers: 5, threads: 1, calibrate: false };
      engine = await Engine.load({ model: folder, ...settings, cacheDir });
    });
    afterAll(() => engine.close());

    test('has cases', () => {
      expect(cases.length).toBeGreaterThan(0);
    });

    test.each(cases.map((each) => ({ tokens: each.prompt_ids.length, ...each })))(
      '$tokens tokens',
      async (reference) => {
        const { prompt_ids: promptIds, output_ids: ids, prompt_logits: logits } = reference;
        // The reference tells its smallest margin; the plain forward pass tells at which step it is.
        const { margins } = plain.greedy(promptIds, ids.length);
        const expected = { ids, logits, margins };
        for (const [index, cut] of cutsOf(promptIds.length).entries()) {
          const maxTokens = Math.min(ids.length, index === 1 ? ALL_STEPS : MAX_STEPS);
          await expectSameAnswer(engine, { promptIds, maxTokens, ...cut }, expected);
        }
      },
    );

    test.each(cases.filter(({ prompt }) => prompt !== undefined))(
      'reads the prompt "$prompt" as the reference does',
      ({ prompt, prompt_ids: ids }) => {
        expect(engine.model.tokenizer.encode(prompt as string)).toEqual(ids);
      },
    );
  });
}
