import { expect, test } from 'vitest';
import { paintFor } from './paint.js';

test('colours are codes around the text, whatever stdout is', () => {
  const before = process.env['NO_COLOR'];
  process.env['NO_COLOR'] = '1';
  try {
    expect(paintFor(true)('blue', 'text')).toBe('\u001b[34mtext\u001b[39m');
  } finally {
    if (before === undefined) delete process.env['NO_COLOR'];
    else process.env['NO_COLOR'] = before;
  }
});

test('without colours, and around nothing, there are no codes', () => {
  expect(paintFor(false)('blue', 'text')).toBe('text');
  expect(paintFor(true)('blue', '')).toBe('');
});
