import { expect, test } from 'vitest';
import { forTerminal, formatBytes, formatCount, formatMs, joinParts, oneLine, wrap } from './format.js';

test('counts have commas, times and sizes three digits', () => {
  expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([0.5, 7.31, 431, 999.4, 999.6, 1402, 95_230].map(formatMs)).toEqual([
    '0.50 ms',
    '7.31 ms',
    '431 ms',
    '999 ms',
    '1.00 s',
    '1.40 s',
    '95.2 s',
  ]);
  expect([0, 999, 1000, 33_600_000, 4.4e12].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '33.6 MB',
    '4.40 TB',
  ]);
});

test.each([10, 25, 40, 80])('parts and words stay within %i columns and in order', (columns) => {
  const parts = ['first token after 1.40 s', '4,698 prompt tokens', '2 workers × 1 thread', 'f32'];
  const lines = [...joinParts(parts, columns).split('\n'), ...wrap(parts.join(' '), columns).split('\n')];
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  if (columns >= 25) expect(joinParts(parts, columns).split(/\n| · /)).toEqual(parts);
});

test('a name with line ends and escape codes becomes one harmless line', () => {
  expect(oneLine('a\nb\u001b[2Jc\u2028d\u009b1m')).toBe('a b [2Jc d 1m');
});

test('an answer on a terminal keeps its line ends and can not steer the terminal', () => {
  expect(forTerminal('a\tb\n\u001b[2J\r')).toBe('a\tb\n\ufffd[2J\ufffd');
});
