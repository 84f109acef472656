/**
 * What a model costs before its first request: compiling it, getting ready from a warm cache, and the memory of one and
 * of two workers, as the system shares it out (PSS), after a prompt of 256 tokens:
 *   MODEL=synthetic:tinyllama-1.1b DTYPES=q8,w8a8 ROUNDS=3 npx vitest run --config bench/vitest.config.ts start-up
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from 'kv-runahead';
import { expect, test } from 'vitest';
import { median } from '../src/core/statistics.js';

const MODEL = process.env['MODEL'] ?? 'synthetic:tinyllama-1.1b';
const DTYPES = (process.env['DTYPES'] ?? 'q8,w8a8').split(',') as 'q8'[];
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const PROMPT_TOKENS = 256;

type Run = { readonly readyMs: number; readonly pssBytes: number };

/** PSS of this process's children, which are the workers. */
function workersPss(): number {
  const children = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === process.pid);
  return children.reduce((sum, pid) => sum + pssOf(pid), 0);
}

/** A process may end between being listed and being read. */
function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function parentOf(pid: string): number {
  return Number(readProc(pid, 'stat').split(') ')[1]?.split(' ')[1]);
}

function pssOf(pid: string): number {
  return 1024 * Number(/^Pss:\s+(\d+)/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0);
}

async function start(dtype: 'q8', workers: number, cacheDir: string): Promise<Run> {
  const startMs = performance.now();
  const engine = await Engine.load({
    ...{ model: MODEL, dtype, workers, threads: 1, calibrate: false, cacheDir },
    onCompiled: ({ ms, sourceBytes, peakBytes }) =>
      console.log(
        `${dtype}: compiled in ${(ms / 1e3).toFixed(1)} s, ${(sourceBytes / 1e3 / ms).toFixed(0)} MB/s of f32, ` +
          `peak of this process ${(peakBytes / 1e6).toFixed(0)} MB (measured)`,
      ),
  });
  const readyMs = performance.now() - startMs;
  try {
    const promptIds = Array.from({ length: PROMPT_TOKENS }, (_, i) => i + 5);
    await engine.complete({ promptIds, maxTokens: 2, partition: 'e' });
    return { readyMs, pssBytes: workersPss() };
  } finally {
    await engine.close();
  }
}

test.each(DTYPES)('start-up and shared memory of %s', { timeout: 3_600_000 }, async (dtype) => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'kvr-start-up-'));
  try {
    await start(dtype, 1, cacheDir);
    const runs: Record<1 | 2, Run[]> = { 1: [], 2: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const workers of [1, 2] as const) runs[workers].push(await start(dtype, workers, cacheDir));
    }
    const [one, two] = [runs[1], runs[2]].map((each) => ({
      readyMs: median(each.map(({ readyMs }) => readyMs)),
      pssMb: median(each.map(({ pssBytes }) => pssBytes / 1e6)),
    })) as [{ readyMs: number; pssMb: number }, { readyMs: number; pssMb: number }];
    console.log(
      `${dtype}: ready after ${one.readyMs.toFixed(0)} ms (1 worker), ${two.readyMs.toFixed(0)} ms (2); ` +
        `PSS ${one.pssMb.toFixed(0)} MB and ${two.pssMb.toFixed(0)} MB, ${(two.pssMb / one.pssMb).toFixed(2)} × (measured)`,
    );
    expect(one.pssMb).toBeGreaterThan(0);
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
});
