/**
 * Draws a model of a family, writes its files, opens them as any checkpoint, and answers a prompt cut in several ways: how far
 * its logits are from those of the plain pass, and its ids beside the pass's as far as these are certain.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dtype } from '../../src/core/shape.js';
import { writeSafetensors } from '../../src/model/checkpoint/safetensors-writer.js';
import { compileModel } from '../../src/model/compile.js';
import { openCheckpoint } from '../../src/model/open.js';
import type { BackendModel } from '../../src/runtime/backend/backend.js';
import { compileKernels } from '../../src/runtime/cpu/compile-kernels.js';
import { openModel } from '../../src/runtime/open-model.js';
import { DRAWN_FAMILIES, type DrawnModel, drawnModel } from '../reference/families/index.js';
import { ReferenceModel } from '../reference/forward.js';
import { seededRandom } from '../reference/random.js';
import { answerInSlices } from './answer-in-slices.js';
import { certainSteps, largestDifference } from './certain-answer.js';

const STEPS = 6;

export type DrawnCheck = {
  readonly family: string;
  readonly seed: number;
  /** Where files may be made; those of this model are removed again. */
  readonly folder: string;
  readonly promptTokens: number;
  readonly cuts: readonly (readonly number[])[];
  /** f32 unless given. */
  readonly dtype?: Dtype;
};

export type CutResult = {
  readonly cut: readonly number[];
  /** Largest difference of a logit after the prompt. */
  readonly gap: number;
  readonly ids: readonly number[];
  readonly expectedIds: readonly number[];
  readonly logits: Float32Array;
};

export async function checkDrawnModel(check: DrawnCheck): Promise<CutResult[]> {
  const random = seededRandom(check.seed);
  const draw = DRAWN_FAMILIES[check.family];
  if (!draw) throw new Error(`no family ${check.family} is drawn`);
  const drawn = await drawnModel(draw(random), random);
  const prompt = Array.from({ length: check.promptTokens }, () => random.below(drawn.checkpoint.shape.vocabulary));
  const reference = await ReferenceModel.load(drawn.checkpoint);
  const expected = { ...reference.greedy(prompt, STEPS), logits: reference.logits(prompt) };
  const certain = certainSteps(expected);
  return withModel(drawn, check, async (model) => {
    const results: CutResult[] = [];
    for (const cut of check.cuts) {
      const { ids, logits } = await answerInSlices(model, prompt, cut, STEPS);
      const gap = largestDifference(logits, expected.logits);
      const told = { ids: ids.slice(0, certain), expectedIds: expected.ids.slice(0, certain) };
      results.push({ cut, gap, logits, ...told });
    }
    return results;
  });
} // prettier-ignore

async function withModel<T>(
  { config, tensors }: DrawnModel,
  { folder, family, seed, dtype = 'f32' }: DrawnCheck,
  use: (model: BackendModel) => Promise<T>,
): Promise<T> {
  const path = join(folder, `${family}-${seed}-${dtype}`);
  const cacheFolder = join(path, 'cache');
  mkdirSync(path, { recursive: true });
  try {
    writeFileSync(join(path, 'config.json'), JSON.stringify(config));
    await writeSafetensors(join(path, 'model.safetensors'), tensors);
    const checkpoint = await openCheckpoint(path, { cacheFolder });
    const compiled = await compileModel(checkpoint, { cacheFolder, dtype, ...compileKernels() });
    await checkpoint.close();
    const model = await openModel('cpu', compiled, { threads: 1 });
    try {
      return await use(model);
    } finally {
      await model.close();
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
