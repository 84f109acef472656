/**
 * The memory of workers, as `kvr inspect` predicts it and as the system counts it (resident set, the most while requests are
 * answered): in a process that has just measured itself for the plan, and in one that found that measured:
 *   DTYPES=f32,w8a8,q8,q4 KV_DTYPE=f32 WORKERS=2 TOKENS=2048 NEW_TOKENS=16 npx vitest run --config bench/vitest.config.ts worker-memory
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Engine } from 'kv-runahead';
import { expect, test } from 'vitest';
import { evenPartition } from '../src/core/partition.js';
import type { Dtype, KvDtype } from '../src/core/shape.js';
import { workerMemory } from '../src/engine/load/memory.js';
import { defaultDecodeThreads } from '../src/engine/options/defaults.js';

const MODEL = process.env['MODEL'] ?? 'synthetic:tinyllama-1.1b,layers=8';
const DTYPES = (process.env['DTYPES'] ?? 'f32,w8a8,q8,q4').split(',') as Dtype[];
const KV_DTYPE = (process.env['KV_DTYPE'] ?? 'f32') as KvDtype;
const WORKERS = Number(process.env['WORKERS'] ?? 2);
const TOKENS = Number(process.env['TOKENS'] ?? 2048);
const NEW_TOKENS = Number(process.env['NEW_TOKENS'] ?? 16);
const REQUESTS = 2;
const WARM_UP_MS = 3_000;
/** A prediction that is further off than this is told as such, and fails. */
const LIMIT = 0.15;

test.each(DTYPES)('%s', { timeout: 1_200_000 }, async (dtype) => {
  const off: number[] = [];
  for (const calibrate of ['fresh', true] as const) {
    const engine = await Engine.load({
      model: MODEL,
      workers: WORKERS,
      threads: 1,
      dtype,
      kvDtype: KV_DTYPE,
      calibrate,
    });
    // As in a server: workers map their weights while nothing is asked of them.
    await delay(WARM_UP_MS);
    const peaks = await peakBytes(engine);
    peaks.forEach((bytes, rank) => {
      const predicted = predictedBytes(engine, dtype, rank);
      off.push(predicted / bytes - 1);
      console.log(
        `${MODEL} ${dtype}, KV ${KV_DTYPE}, ${TOKENS} tokens, ${calibrate === true ? 'costs known' : 'just measured'}, rank ${rank}: ` +
          `predicted ${mb(predicted)}, resident ${mb(bytes)} (measured), ${(100 * (predicted / bytes - 1)).toFixed(1)} %`,
      );
    });
    await engine.close();
  }
  expect(Math.max(...off.map(Math.abs))).toBeLessThan(LIMIT);
});

/** By rank; an even cut keeps to the order of the workers. */
async function peakBytes(engine: Engine): Promise<number[]> {
  const { vocabulary } = engine.model.shape;
  const promptIds = Array.from({ length: TOKENS }, (_, index) => (index * 7919) % vocabulary);
  const peaks = new Array<number>(WORKERS).fill(0);
  for (let request = 0; request < REQUESTS; request++) {
    for await (const event of engine.generate({ promptIds, maxTokens: NEW_TOKENS, partition: 'e' })) {
      if (event.type === 'done') break;
      engine.workers.forEach(({ handle, ready }, rank) => {
        expect(handle.isEnded).toBe(false);
        peaks[rank] = Math.max(peaks[rank] ?? 0, residentBytes(ready.pid));
      });
    }
  }
  return peaks;
}

function residentBytes(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return 1024 * Number(kib);
}

function predictedBytes(engine: Engine, dtype: Dtype, rank: number): number {
  const { shape } = engine.model;
  const slice = evenPartition(TOKENS, WORKERS)[rank];
  if (!slice) throw new Error(`no slice for rank ${rank}`);
  const { chunkTokens } = engine.settings;
  const isLast = rank === WORKERS - 1;
  return workerMemory({
    ...{ shape, dtype, kvDtype: KV_DTYPE, slice },
    isLast,
    newTokens: NEW_TOKENS,
    chunkTokens,
    allowsAllCoreDecode: defaultDecodeThreads(dtype, WORKERS, 1) > 1,
  }).totalBytes;
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
