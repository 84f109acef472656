import { expect, test } from 'vitest';

import { MAX_STOP_CHARS, MAX_STOP_STRINGS, StopMatcher } from './stop-strings.js';
import { seeded } from './files/tiny-tokenizers.fixture.js';

test('however text and stops fall, the result is that of searching the whole text', () => {
  const random = seeded(8);
  const word = (most: number): string =>
    Array.from({ length: 1 + random(most) }, () => 'ab'[random(2)]).join('');
  for (let round = 0; round < 5000; round += 1) {
    const stops = Array.from({ length: random(4) }, () => word(5));
    const text = word(20);
    const expected = searchWhole(text, stops);
    expect(run(stops, cutAtRandom(text, random))).toEqual(expected);
  }
});

test('only what could begin a stop string is held back', () => {
  const random = seeded(9);
  for (let round = 0; round < 1000; round += 1) {
    const stops = ['aab', 'abaaa'];
    const matcher = new StopMatcher(stops);
    let seen = '';
    let shown = '';
    for (let index = 0; index < 12; index += 1) {
      const char = 'abc'[random(3)] ?? '';
      seen += char;
      const { text, stopped } = matcher.push(char);
      if (stopped !== undefined) break;
      shown += text;
      expect(shown + longestBeginning(seen, stops)).toBe(seen);
    }
  }
});

test('after a stop nothing more comes, and end gives back what was held', () => {
  const matcher = new StopMatcher(['END']);
  expect(matcher.push('x EN')).toEqual({ text: 'x ', stopped: undefined });
  expect(matcher.push('D y')).toEqual({ text: '', stopped: 'END' });
  expect(matcher.push('more')).toEqual({ text: '', stopped: 'END' });
  expect(matcher.end()).toBe('');
  const unfinished = new StopMatcher(['END']);
  unfinished.push('x EN');
  expect(unfinished.end()).toBe('EN');
});

test('stop strings that can not be used are refused', () => {
  const tooMany = Array.from({ length: MAX_STOP_STRINGS + 1 }, () => 'x');
  for (const stops of [[''], ['x'.repeat(MAX_STOP_CHARS + 1)], ['\uDE00'], tooMany]) {
    expect(() => new StopMatcher(stops)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  }
  expect(new StopMatcher(['😀']).push('a😀b')).toEqual({ text: 'a', stopped: '😀' });
});

/** The stop string whose first occurrence ends first, the longest of those that end together. */
function searchWhole(text: string, stops: readonly string[]): { text: string; stopped: string | undefined } {
  const found = stops
    .map((stop) => ({ stop, start: text.indexOf(stop), end: text.indexOf(stop) + stop.length }))
    .filter(({ start }) => start >= 0)
    .sort((a, b) => a.end - b.end || a.start - b.start)[0];
  return { text: text.slice(0, found?.start), stopped: found?.stop };
}

function run(
  stops: readonly string[],
  parts: readonly string[],
): { text: string; stopped: string | undefined } {
  const matcher = new StopMatcher(stops);
  let text = '';
  let stopped: string | undefined;
  for (const part of parts) {
    const progress = matcher.push(part);
    text += progress.text;
    stopped = progress.stopped;
  }
  return { text: text + matcher.end(), stopped };
}

function cutAtRandom(text: string, random: (below: number) => number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const next = at + random(5);
    parts.push(text.slice(at, next));
    at = next;
  }
  return parts;
}

function longestBeginning(text: string, stops: readonly string[]): string {
  for (let start = 0; start < text.length; start += 1) {
    const end = text.slice(start);
    if (stops.some((stop) => stop.startsWith(end) && stop !== end)) return end;
  }
  return '';
}
