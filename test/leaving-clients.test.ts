/**
 * Clients that leave in the middle of the prompt phase, many at once, with a real worker: what it holds follows what is accounted
 * for, and goes back.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, KvrError } from '../src/index.js';
import { openTrim } from '../src/runtime/memory/heap-trim.js';
import { until } from './support/until.js';

const AT_ONCE = 8;
const BATCHES = 3;
/** Its cache takes 160 MB. All that are asked for at once have room. */
const PROMPT_TOKENS = 26_000;
const KV_BYTES = 2e9;
/**
 * What one prompt takes beside the process: its cache (160 MB), its activations (190 MB), calls and garbage (under 150 MB). The
 * caches of one batch alone would be 1,280 MB.
 */
const MOST_BYTES = 500e6;

/** Of what a worker has after its first short request, once it has rested after many that were left. */
const MOST_AT_REST = 1.2;
// Linux alone tells a process's anonymous memory in this way.
const isLinux = existsSync('/proc/self/status');
const heapKeeps = openTrim(createRequire(import.meta.url)) ? '' : ' (skipped: no malloc_trim here)';

const promptOf = (tokens: number, from: number): number[] =>
  Array.from({ length: tokens }, (_, at) => (from + at * 7) % 250);
const SHORT = { promptIds: promptOf(1_000, 0), maxTokens: 2 };

let engine: Engine;
let startBytes = 0;
let startIds: readonly number[] = [];

beforeAll(async () => {
  engine = await Engine.load({
    ...{ model: 'quote', workers: 1, threads: 1, calibrate: false },
    ...{ kvMemoryBytes: KV_BYTES, maxRunning: AT_ONCE },
  });
  startIds = (await engine.complete(SHORT)).tokenIds;
  startBytes = anonymousBytes();
});
afterAll(() => engine.close());

/** 0 where the system tells nothing of the kind. */
function anonymousBytes(): number {
  if (!isLinux) return 0;
  const pid = engine.workers[0]?.ready.pid ?? 0;
  const kib = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return 1024 * Number(kib);
}

/** All are asked for at once, and all leave as soon as one of them hears of its first layer. */
async function askAndLeave(batch: number): Promise<void> {
  const leaving = new AbortController();
  const ask = async (at: number): Promise<unknown> => {
    const promptIds = promptOf(PROMPT_TOKENS, batch * AT_ONCE + at);
    try {
      for await (const event of engine.generate({ promptIds, maxTokens: 4, signal: leaving.signal }))
        if (event.type === 'prefill') leaving.abort();
      return 'answered';
    } catch (error) {
      return error instanceof KvrError ? error.code : error;
    }
  };
  const ends = await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => ask(at)));
  expect(new Set(ends)).toEqual(new Set(['CANCELLED']));
}

test.skipIf(!isLinux)(
  `${AT_ONCE * BATCHES} clients that leave hold memory for one at a time, and their room goes back`,
  async () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      await askAndLeave(batch);
      expect(anonymousBytes() - startBytes).toBeLessThan(MOST_BYTES);
    }
    await until(() => engine.load.running === 0, 'the worker to say that all are over');
    expect(anonymousBytes() - startBytes).toBeLessThan(MOST_BYTES);
    expect((await engine.complete(SHORT)).tokenIds).toEqual(startIds);
  },
);

test.skipIf(!isLinux || heapKeeps)(
  `a worker that rests gives back to the system what clients who left had taken${heapKeeps}`,
  async () => {
    await askAndLeave(BATCHES);
    const isBack = (): boolean => anonymousBytes() < MOST_AT_REST * startBytes;
    await until(isBack, 'the memory to go back');
    expect((await engine.complete(SHORT)).tokenIds).toEqual(startIds);
  },
);
