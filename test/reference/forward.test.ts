import { expect, test } from 'vitest';
import { referenceCheckpoint } from '../support/reference-checkpoint.js';
import { ReferenceModel } from './forward.js';
import { readReferenceCheckpoint } from './hf-test-reader.js';

/** Both references were made elsewhere: stories260k in f32 arithmetic, falcon-random in f64. */
const CASES = [
  { name: 'falcon-random', logitTolerance: 1e-5 },
  { name: 'stories260k', logitTolerance: 1e-3 },
] as const;

for (const { name, logitTolerance } of CASES) {
  const { title, folder, isHere, cases } = referenceCheckpoint(name);
  test.skipIf(!isHere)(`gives the ids and logits of the independent reference of ${title}`, async () => {
    const model = await ReferenceModel.load(readReferenceCheckpoint(folder));
    expect(cases.length).toBeGreaterThan(0);
    for (const { prompt_ids, output_ids, prompt_logits } of cases) {
      const logits = model.logits(prompt_ids);
      const error = Math.max(...logits.map((value, i) => Math.abs(value - prompt_logits[i]!)));
      expect(error).toBeLessThan(logitTolerance);
      expect(model.greedy(prompt_ids, output_ids.length).ids).toEqual(output_ids);
    }
  });
}
