import { expect, test } from 'vitest';
import { DEFAULT_PREFIX_DISK_BYTES, prefixDiskOf } from '../../engine/options/defaults.js';
import { engineOptions, parsePartition, requestOptions } from './index.js';

test('a partition is a name, or whole sizes', () => {
  expect(parsePartition('auto')).toBe('auto');
  expect(parsePartition('e')).toBe('e');
  expect(parsePartition('1100,948')).toEqual([1100, 948]);
});

test.each(['', 'x', '-5,10', '1100,-948', '1.5,2', '1,,2', ',1', '1,', '1, 2', '1e3,4'])(
  'partition %j is refused with what to type',
  (text) => {
    expect(() => parsePartition(text)).toThrow(/^--partition .* is no partition; give .*1100,948$/);
  },
);

test('sizes say how many workers there are, unless --workers does', () => {
  expect(engineOptions({ model: 'm', partition: [5, 3, 2] }).workers).toBe(3);
  expect(engineOptions({ model: 'm', partition: [5, 3, 2], workers: 4 }).workers).toBe(4);
  expect(engineOptions({ model: 'm', partition: 'e' }).workers).toBe(1);
  expect(() => engineOptions({ model: 'm', partition: Array.from({ length: 99 }, () => 1) })).toThrow(
    /99 sizes.*at most/,
  );
});

test('what was not given is left to the engine', () => {
  expect(engineOptions({ model: 'm' })).toEqual({ model: 'm', workers: 1 });
  expect(requestOptions({})).toEqual({ sampling: {} });
});

test('flags reach the engine in its units', () => {
  expect(engineOptions({ model: 'm', kvMemory: 3 }).kvMemoryBytes).toBe(3_000_000);
  expect(requestOptions({ deadline: 0.5, temperature: 0.7, stop: ['x'] })).toEqual({
    deadlineMs: 500,
    stop: ['x'],
    sampling: { temperature: 0.7 },
  });
});

test('a folder for prefixes has a size in GB, and a size needs a folder', () => {
  const flags = { model: 'm', prefixCacheDir: 'd', prefixCacheDisk: 1.5 };
  expect(engineOptions(flags)).toMatchObject({ prefixCacheDir: 'd', prefixDiskBytes: 1_500_000_000 });
  expect(() => engineOptions({ model: 'm', prefixCacheDisk: 1 })).toThrow(
    /needs a folder; give --prefix-cache-dir/,
  );
  expect(() => engineOptions({ model: 'm', prefixCacheDir: '' })).toThrow(/--prefix-cache-dir/);
  expect(() => engineOptions({ ...flags, workers: ['a:1'] })).toThrow(
    /give --prefix-cache-dir to kvr worker/,
  );
});

test('rows go to disk from memory, so neither is had without the other', () => {
  expect(prefixDiskOf({})).toBeUndefined();
  expect(prefixDiskOf({ prefixCacheDir: '/d' })).toEqual({ folder: '/d', bytes: DEFAULT_PREFIX_DISK_BYTES });
  expect(() => prefixDiskOf({ prefixCacheDir: '/d', prefixCacheBytes: 0 })).toThrow(/leave the 0 out/);
});
