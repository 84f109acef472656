/**
 * Guards against plans that do many times more work: counts what a plan predicts, whatever the machine. How long plans take is
 * what bench/planning.ts prints.
 */
import { beforeEach, expect, test, vi } from 'vitest';
import { plainLayer } from '../core/layers/layer-spec.js';
import type { ModelShape } from '../core/shape.js';
import { randomWorker, seededRandom } from './costs/random-costs.test-support.js';
import { planPartition } from './plan.js';
import type * as Predict from './predict/predict.js';

/** Predictions, and the ranks that these went through: each rank takes a pass over all layers. */
const done = vi.hoisted(() => ({ predictions: 0, ranks: 0 }));

vi.mock('./predict/predict.js', async (importOriginal) => {
  const real = await importOriginal<typeof Predict>();
  const predictTtftMs: typeof real.predictTtftMs = (costs, partition, ...more) => {
    done.predictions++;
    done.ranks += partition.length;
    return real.predictTtftMs(costs, partition, ...more);
  };
  return { ...real, predictTtftMs };
});

beforeEach(() => Object.assign(done, { predictions: 0, ranks: 0 }));

const SHAPE: ModelShape = {
  architecture: 'llama',
  layers: 32,
  hidden: 4096,
  heads: 32,
  kvHeads: 32,
  headDim: 128,
  feedForward: 11_008,
  vocabulary: 32_000,
  contextTokens: 1_048_576,
  norm: 'rms',
  normEpsilon: 1e-5,
  specs: [plainLayer(128, 1e4)],
  embeddingScale: 1,
  logitScale: 1,
  tiedHead: false,
};

/** About twice what they take: 920 and 4,110 predictions, 3,900 and 83,914 ranks. */
test.each([
  { workers: 8, contextTokens: 16_384, most: { predictions: 1_800, ranks: 8_000 } },
  { workers: 128, contextTokens: 1_048_576, most: { predictions: 8_000, ranks: 170_000 } },
])(
  'a plan for $workers workers and $contextTokens tokens takes at most $most.predictions predictions',
  (each) => {
    const { contextTokens, most } = each;
    const random = seededRandom(1);
    const workers = Array.from({ length: each.workers }, () => randomWorker(random, 512));
    const links = workers.slice(1).map(() => ({ latencyMs: 0.05, bytesPerS: 1.25e9, frameBytes: 65_536 }));
    planPartition({ contextTokens, workers, links, shape: SHAPE });
    expect(done.predictions).toBeGreaterThan(0);
    expect(done.predictions).toBeLessThanOrEqual(most.predictions);
    expect(done.ranks).toBeLessThanOrEqual(most.ranks);
  },
);
