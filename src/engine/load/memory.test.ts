import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import { evenPartition, partitionSizes } from '../../core/partition.js';
import { computeParts, jobOf } from '../../worker/compute/compute-parts.test-support.js';
import { FakeModel, fakeRow } from '../../worker/compute/fake-model.test-support.js';
import { MAX_GUESTS, MAX_STARTED } from '../../worker/compute/requests/pace.js';
import { type WorkerMemoryInput, workerMemory } from './memory.js';

const PROMPT_TOKENS = 30;
const NEW_TOKENS = 5;

function inputOf(rank: number, ranks: number, running: number): WorkerMemoryInput {
  const slice = evenPartition(PROMPT_TOKENS, ranks)[rank] ?? { start: 0, end: 0 };
  const own = { slice, isLast: rank === ranks - 1, running };
  return { shape: TINY_LLAMA, dtype: 'f32', kvDtype: 'f32', newTokens: NEW_TOKENS, chunkTokens: 512, ...own };
}

test.each([
  [0, 1, 1],
  [0, 1, 16],
  [0, 3, 16],
  [1, 3, 7],
  [2, 3, 16],
])('rank %i of %i takes the predicted KV memory for %i requests at once', async (rank, ranks, running) => {
  const model = new FakeModel(TINY_LLAMA);
  const { context } = computeParts(model, () => undefined);
  const partition = partitionSizes(evenPartition(PROMPT_TOKENS, ranks));
  for (let request = 0; request < running; request++) {
    const spec = { maxTokens: NEW_TOKENS };
    const { cache } = await context.requests.open(jobOf({ request, partition, rank, spec }));
    await cache.writePacked(0, 0, new Uint8Array(fakeRow(model.shape, 'f32', 0, 0)));
  }
  expect(model.kvMemory.heldBytes).toBe(workerMemory(inputOf(rank, ranks, running)).kvBytes);
});

test('activations grow with the prompts that are begun at once, which in a chain are bounded and alone are one', () => {
  const bytes = (ranks: number, running: number): number =>
    workerMemory(inputOf(ranks - 1, ranks, running)).activationBytes;
  expect(bytes(1, 16)).toBe(bytes(1, 1));
  const each = bytes(2, 2) - bytes(2, 1);
  expect(each).toBeGreaterThan(0);
  const most = MAX_STARTED + MAX_GUESTS;
  expect(bytes(2, 64)).toBe(bytes(2, 1) + (most - 1) * each);
});
