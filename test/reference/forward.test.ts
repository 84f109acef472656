import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ReferenceModel } from './forward.js';
import { readReferenceCheckpoint } from './hf-test-reader.js';

type ReferenceCase = {
  prompt_ids: number[];
  output_ids: number[];
  prompt_logits: number[];
  min_margin: number;
};

const folder = (name: string): string =>
  fileURLToPath(new URL(`../../../shared/models/${name}`, import.meta.url));

/** Both references were made elsewhere: stories260k in f32 arithmetic, falcon-random in f64. */
const CASES = [
  { name: 'stories260k', logitTolerance: 1e-3 },
  { name: 'falcon-random', logitTolerance: 1e-5 },
] as const;

for (const { name, logitTolerance } of CASES) {
  test(`gives the ids and logits of the independent reference of ${name}`, async ({ skip }) => {
    skip(!existsSync(folder(name)), 'the folder of reference models is not here');
    const model = await ReferenceModel.load(readReferenceCheckpoint(folder(name)));
    const { cases } = JSON.parse(readFileSync(`${folder(name)}/reference.json`, 'utf8')) as {
      cases: ReferenceCase[];
    };
    for (const { prompt_ids, output_ids, prompt_logits } of cases) {
      const logits = model.logits(prompt_ids);
      const error = Math.max(...logits.map((value, i) => Math.abs(value - prompt_logits[i]!)));
      expect(error).toBeLessThan(logitTolerance);
      expect(model.greedy(prompt_ids, output_ids.length).ids).toEqual(output_ids);
    }
  });
}
