import { expect, test } from 'vitest';
import { StderrTail } from './stderr-tail.js';

const NEWS = 'kvr worker: refused a caller from 10.0.0.5\n';

test('news are told by whole lines, wherever a chunk ends, and are no reason for an end', () => {
  const all = `out of memory\n${NEWS}${NEWS}last words`;
  for (let at = 0; at <= all.length; at++) {
    const told: string[] = [];
    const tail = new StderrTail((line) => told.push(line));
    tail.push(all.slice(0, at));
    tail.push(all.slice(at));
    expect([at, told, tail.text]).toEqual([at, [NEWS, NEWS], 'out of memory\nlast words']);
  }
});

test('what is kept has a bound, also of a line that never ends', () => {
  const tail = new StderrTail(() => expect.unreachable());
  for (let count = 0; count < 100; count++) tail.push('x'.repeat(100));
  tail.push('\nthe reason');
  expect(tail.text).toHaveLength(2_000);
  expect(tail.text).toMatch(/the reason$/);
});
