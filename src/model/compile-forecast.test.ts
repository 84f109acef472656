import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSynthetic } from './synthetic/index.js';
import { checkDisk, diskBytes, forecastCompile, rememberSpeed } from './compile-forecast.js';

let cache = '';
beforeEach(() => (cache = mkdtempSync(join(tmpdir(), 'kvr-forecast-'))));
afterEach(() => rmSync(cache, { recursive: true }));

const model = openSynthetic('synthetic:tinyllama-1.1b,layers=4');

test('the first time is a guess; later ones go by what was measured here', async () => {
  const first = await forecastCompile(model, 'q8', cache);
  expect(first).toMatchObject({ dtype: 'q8', sourceBytes: 4 * model.parameters, isMeasured: false });
  await rememberSpeed(cache, { dtype: 'q8', ms: 7000, sourceBytes: first.sourceBytes });
  expect(await forecastCompile(model, 'q8', cache)).toMatchObject({ expectedMs: 7000, isMeasured: true });
  expect(await forecastCompile(model, 'q4', cache)).toMatchObject({ isMeasured: false });
});

test('a short compilation says nothing of long ones', async () => {
  await rememberSpeed(cache, { dtype: 'q8', ms: 1000, sourceBytes: 1000 });
  expect(await forecastCompile(model, 'q8', cache)).toMatchObject({ isMeasured: false });
});

/** What a compilation left on disk (published with its manifest): q8 772.3 MB, w8a8 754.0 MB. */
test.each([
  ['q8', 772.3e6],
  ['w8a8', 754.0e6],
] as const)('the disk that %s needs covers what it took, and not much more', (dtype, bytes) => {
  expect(diskBytes(model.shape, dtype)).toBeGreaterThan(bytes);
  expect(diskBytes(model.shape, dtype)).toBeLessThan(1.3 * bytes);
});

test('a disk without room is refused in one line', async () => {
  const forecast = { ...(await forecastCompile(model, 'q8', cache)), freeBytes: 1e6 };
  expect(() => checkDisk(forecast, cache)).toThrow(
    /^no room left in the cache .*takes 0.9 GB, and 1.0 MB are free.*--cache-dir/,
  );
});
