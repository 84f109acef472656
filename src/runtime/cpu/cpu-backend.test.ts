import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { compileModel } from '../../model/compile.js';
import { describeBackend } from '../backend/conformance/backend-conformance.test-support.js';
import { compileKernels } from './compile-kernels.js';
import { cpuBackend } from './cpu-backend.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-backend-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeBackend({
  name: 'CPU',
  open: async (checkpoint) => {
    const options = { cacheFolder: folder, dtype: 'f32' as const, ...compileKernels() };
    return cpuBackend.open(await compileModel(checkpoint, options), { threads: 1, allCoreThreads: 2 });
  },
});
