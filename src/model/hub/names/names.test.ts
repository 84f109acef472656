import { expect, test } from 'vitest';
import { hubNameText, isSafePath, parseHubName } from './names.js';
import { hubCacheFolder, hubSettings } from './settings.js';

test.each([
  ['Qwen/Qwen3-0.6B', { repo: 'Qwen/Qwen3-0.6B', revision: 'main' }],
  ['a/b@v1.0', { repo: 'a/b', revision: 'v1.0' }],
  ['a/b@refs/pr/1', { repo: 'a/b', revision: 'refs/pr/1' }],
  ['a/b/x.gguf', { repo: 'a/b', revision: 'main', file: 'x.gguf' }],
  ['a/b/Q4/x-00001-of-00002.gguf@dev', { repo: 'a/b', revision: 'dev', file: 'Q4/x-00001-of-00002.gguf' }],
])('%s is a name, and is typed the same way again', (text, name) => {
  expect(parseHubName(text)).toEqual(name);
  expect(hubNameText(name)).toBe(text);
});

test.each([
  '',
  'a',
  'a/',
  '/b',
  './b',
  '../b',
  'a/..',
  'a/b/c',
  'a/b@',
  'a/b@../x',
  'a/b@/x',
  'a--c/b',
  'a/b/../x.gguf',
  '~/b',
  'a b/c',
  'C:\\a/b',
  `a/${'x'.repeat(97)}`,
])('%j is none', (text) => expect(parseHubName(text)).toBeUndefined());

test.each(['a', 'a/b.json', 'Ünïcode [1].txt', '.gitattributes'])('%j is a safe path', (path) => {
  expect(isSafePath(path)).toBe(true);
});

test.each([
  '',
  '/a',
  'a/',
  'a//b',
  '..',
  'a/../b',
  'a\\b',
  'a\u0000',
  'a\n',
  'a:b',
  'a.',
  'a ',
  ' a',
  '\u202ea',
])('%j is no safe path', (path) => expect(isSafePath(path)).toBe(false));

test('the variables of the hub say where its cache is', () => {
  expect(hubCacheFolder({ HF_HUB_CACHE: '/x', HF_HOME: '/y' })).toBe('/x');
  expect(hubCacheFolder({ HF_HOME: '/y' })).toBe('/y/hub');
  expect(hubCacheFolder({ XDG_CACHE_HOME: '/z' })).toBe('/z/huggingface/hub');
  expect(hubCacheFolder({})).toMatch(/\/\.cache\/huggingface\/hub$/);
});

test('settings come from the environment, and what can not be used is refused without showing a token', () => {
  expect(hubSettings({})).toEqual({ endpoint: 'https://huggingface.co', isOffline: false });
  const given = hubSettings({ HF_ENDPOINT: 'http://mirror:8080/', HF_TOKEN: ' hf_x ', HF_HUB_OFFLINE: '1' });
  expect(given).toEqual({ endpoint: 'http://mirror:8080', token: 'hf_x', isOffline: true });
  expect(() => hubSettings({ HF_TOKEN: 'a\nb' })).toThrow(/^HF_TOKEN is no token(?!.*a\nb)/);
  for (const HF_ENDPOINT of ['x', 'file:///etc', 'http://user:pass@host', 'http://host/?a'])
    expect(() => hubSettings({ HF_ENDPOINT })).toThrow(/^HF_ENDPOINT is/);
});
