import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadOnnxruntime, type Surroundings } from './onnxruntime.js';

const carried = `${mkdtempSync(join(tmpdir(), 'kvr-carried-'))}/`;
mkdirSync(join(carried, 'bin/napi-v6/linux/x64'), { recursive: true });
afterAll(() => rmSync(carried, { recursive: true }));

/** Packages by name; what is an error is thrown by loading it. */
function surroundings(packages: Record<string, unknown>, platform: string): Surroundings {
  const known: Record<string, unknown> = {
    'onnxruntime-common': { env: { versions: { common: '1.30.0' } } },
    ...packages,
  };
  const require = (id: string): unknown => {
    if (known[id] instanceof Error) throw known[id];
    if (id in known) return known[id];
    throw Object.assign(new Error(`no package ${id}`), { code: 'MODULE_NOT_FOUND' });
  };
  return { require, carried, platform, arch: 'x64' };
}

const installed = (version: string): Record<string, unknown> => ({
  'onnxruntime-node/package.json': { version },
  'onnxruntime-node': 'the installed one',
});

test('an installed onnxruntime-node of the right version is taken', () => {
  const packages = { ...installed('1.30.0'), [carried]: 'the carried one' };
  expect(loadOnnxruntime(surroundings(packages, 'linux'))).toBe('the installed one');
});

test('the carried one is taken where none is installed, or one of another version', () => {
  const own = { [carried]: 'the carried one' };
  expect(loadOnnxruntime(surroundings(own, 'linux'))).toBe('the carried one');
  expect(loadOnnxruntime(surroundings({ ...installed('1.24.3'), ...own }, 'linux'))).toBe('the carried one');
});

test('on a platform without carried kernels the error names the package to add', () => {
  const message =
    'this package brings no compute kernels for darwin x64: add them with "npm install onnxruntime-node@1.30.0"';
  const refused = (packages: Record<string, unknown>, text: string): void =>
    expect(() => loadOnnxruntime(surroundings(packages, 'darwin'))).toThrow(
      expect.objectContaining({ code: 'NO_KERNELS', message: text }),
    );
  refused({}, message);
  refused(installed('1.24.3'), `${message} (1.24.3 is there, which does not fit)`);
});

test('a library that can not be loaded is told in one line, with what it needs', () => {
  const broken = { [carried]: new Error('ld-linux-x86-64.so.2: cannot open\nRequire stack: …') };
  expect(() => loadOnnxruntime(surroundings(broken, 'linux'))).toThrow(
    expect.objectContaining({
      code: 'NO_KERNELS',
      message:
        'the compute kernels for linux x64 can not be loaded (they need glibc 2.28 or newer): ld-linux-x86-64.so.2: cannot open',
    }),
  );
});
