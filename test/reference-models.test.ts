/**
 * The reference cases handed to the project, a trained Llama layout and a random Falcon layout: ids and logits of an
 * independent implementation, over 1, 2, 3 and 5 workers. Skipped where the folder of reference models is absent.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, type GenerateRequest } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { readReferenceCheckpoint } from './reference/hf-test-reader.js';
import { expectSameAnswer } from './support/same-answer.js';

type ReferenceCase = {
  readonly prompt?: string;
  readonly prompt_ids: number[];
  readonly output_ids: number[];
  readonly prompt_logits: number[];
};

const MODELS = fileURLToPath(new URL('../../shared/models', import.meta.url));
const REASON = 'the folder of reference models is not here';
/** Every step of the longest case would be most of the suite's time; this many show the cache's growth. */
const MAX_STEPS = 64;

let cacheDir = '';
beforeAll(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-reference-models-'));
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

function casesOf(name: string): ReferenceCase[] {
  const path = join(MODELS, name, 'reference.json');
  if (!existsSync(path)) return [];
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: ReferenceCase[] }).cases;
}

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

for (const name of ['stories260k', 'falcon-random']) {
  describe.skipIf(!existsSync(join(MODELS, name)))(
    `${name}${existsSync(MODELS) ? '' : ` (${REASON})`}`,
    () => {
      let engine: Engine;
      let plain: ReferenceModel;
      beforeAll(async () => {
        plain = await ReferenceModel.load(readReferenceCheckpoint(join(MODELS, name)));
        engine = await Engine.load({
          model: join(MODELS, name),
          workers: 5,
          threads: 1,
          calibrate: false,
          cacheDir,
        });
      });
      afterAll(() => engine.close());

      test.each(casesOf(name).map((each, index) => ({ index, ...each })))(
        'case $index',
        async (reference) => {
          const { prompt_ids: promptIds, output_ids: ids, prompt_logits: logits } = reference;
          // The reference tells its smallest margin; the plain forward pass tells at which step it is.
          const { margins } = plain.greedy(promptIds, ids.length);
          const expected = { ids, logits, margins };
          for (const [index, cut] of cutsOf(promptIds.length).entries()) {
            const maxTokens = Math.min(ids.length, index === 1 ? 512 : MAX_STEPS);
            await expectSameAnswer(engine, { promptIds, maxTokens, ...cut }, expected);
          }
        },
      );

      test.each(casesOf(name).filter(({ prompt }) => prompt !== undefined))(
        'reads the prompt "$prompt" as the reference does',
        ({ prompt, prompt_ids: ids }) => {
          expect(engine.model.tokenizer.encode(prompt as string)).toEqual(ids);
        },
      );
    },
  );
}
