import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder } from './cache-folder.js';

const ALL = { KVR_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' };

test('the flag goes first, then KVR_CACHE_DIR, then XDG_CACHE_HOME, then the home folder', () => {
  expect(cacheFolder('/flag', ALL)).toBe('/flag');
  expect(cacheFolder(undefined, ALL)).toBe('/a');
  expect(cacheFolder(undefined, { XDG_CACHE_HOME: '/b' })).toBe('/b/kv-runahead');
  expect(cacheFolder(undefined, {})).toBe(join(homedir(), '.cache/kv-runahead'));
});

test('empty values count as absent, and a relative XDG_CACHE_HOME too', () => {
  expect(cacheFolder('', { KVR_CACHE_DIR: '', XDG_CACHE_HOME: 'relative' })).toBe(
    join(homedir(), '.cache/kv-runahead'),
  );
});

test('a relative folder becomes absolute', () => {
  expect(cacheFolder('here', {})).toBe(resolve('here'));
});
