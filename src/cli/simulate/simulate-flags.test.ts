import { expect, test } from 'vitest';
import { checkPaperFlags, parseNoise } from './simulate-flags.js';

test('noise is a share, a slowdown and a seed', () => {
  expect(parseNoise('slowdown=1.4,share=0.3')).toEqual({ share: 0.3, slowdown: 1.4, seed: 1 });
  expect(parseNoise('share=0,slowdown=1,seed=7').seed).toBe(7);
});

test.each([
  ['share=0.3', /lacks slowdown; give share=S/],
  ['slowdown=2', /lacks share; give share=S/],
  ['share=0.3,share=0.4,slowdown=2', /is not understood; give share=S/],
  ['share=2,slowdown=2', /--noise share 2 is out of range; give a number from 0 to 1/],
  ['noise', /is not understood/],
])('the noise %s is refused', (text, message) => {
  expect(() => parseNoise(text)).toThrow(message);
});

test('the paper’s cases take no flags but those of the output', () => {
  expect(() => checkPaperFlags({ json: true, quiet: true })).not.toThrow();
  expect(() => checkPaperFlags({ chunkTokens: 64 })).toThrow(/^--chunk-tokens is not for kvr simulate paper/);
});
