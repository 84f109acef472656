/**
 * Many requests at once: each gets the tokens it gets alone, whatever runs beside it, and none stops another for long
 * or for good. Models made here, f32, against the plain forward pass.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, type GenerateRequest, type GenerationResult } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { seededRandom } from './reference/random.js';
import { saveHfFolder } from './support/hf-folder.js';
import { certainSteps } from './support/same-answer.js';
import { SMALL_CHECKPOINT, smallPrompt } from './support/small-llama.js';

let folder = '';
let reference: ReferenceModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-many-'));
  await saveHfFolder(SMALL_CHECKPOINT, join(folder, 'model'));
  reference = await ReferenceModel.load(SMALL_CHECKPOINT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(options: Partial<Parameters<typeof Engine.load>[0]> = {}): Promise<Engine> {
  const model = join(folder, 'model');
  return Engine.load({ model, threads: 1, calibrate: false, cacheDir: folder, chunkTokens: 16, ...options });
}

/** Requests of mixed lengths with what they must give. */
function mixedRequests(count: number): { request: GenerateRequest; ids: readonly number[]; steps: number }[] {
  const random = seededRandom(5);
  return Array.from({ length: count }, (_, index) => {
    const promptIds = smallPrompt(1 + random.below(70), 100 + index);
    const maxTokens = 1 + random.below(12);
    const { ids, margins } = reference.greedy(promptIds, maxTokens);
    return { request: { promptIds, maxTokens }, ids, steps: certainSteps({ ids, margins, logits: [] }) };
  });
}

describe.each([1, 2, 3])('%i workers', (workers) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await load({ workers });
  });
  afterAll(() => engine.close());

  test('16 requests at once of mixed lengths each get their own tokens', async () => {
    const all = mixedRequests(16);
    const results = await Promise.all(all.map(({ request }) => engine.complete(request)));
    for (const [index, { ids, steps }] of all.entries()) {
      expect(results[index]?.tokenIds.slice(0, steps)).toEqual(ids.slice(0, steps));
      expect(results[index]?.tokenIds.length).toBe(ids.length);
    }
    expect(engine.load).toMatchObject({ running: 0, waiting: 0, expectedWaitMs: 0 });
  });

  test('so do chains that run the other way, TSP and single beside each other', async () => {
    const all = mixedRequests(12).filter(({ request }) => (request.promptIds?.length ?? 0) >= workers);
    const strategies = ['kvr', 'tsp', 'single'] as const;
    const results = await Promise.all(
      all.map(({ request }, index) =>
        engine.complete({ ...request, strategy: strategies[index % 3] ?? 'kvr', partition: 'e' }),
      ),
    );
    for (const [index, { ids, steps }] of all.entries())
      expect(results[index]?.tokenIds.slice(0, steps)).toEqual(ids.slice(0, steps));
  });

  test('some that are cancelled in between take nothing away from the others', async () => {
    const all = mixedRequests(16);
    const results = await Promise.allSettled(
      all.map(({ request }, index) => {
        const stop = new AbortController();
        if (index % 3 === 0) setTimeout(() => stop.abort(), index);
        return engine.complete({ ...request, signal: stop.signal });
      }),
    );
    for (const [index, { ids, steps }] of all.entries()) {
      const result = results[index] as PromiseSettledResult<GenerationResult>;
      if (result.status === 'fulfilled')
        expect(result.value.tokenIds.slice(0, steps)).toEqual(ids.slice(0, steps));
      else expect(result.reason).toMatchObject({ code: 'CANCELLED' });
      if (index % 3 !== 0) expect(result.status).toBe('fulfilled');
    }
    expect(engine.load.running).toBe(0);
  });
});
