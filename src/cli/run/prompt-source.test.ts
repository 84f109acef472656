import { expect, test } from 'vitest';
import { parseIds } from './prompt-source.js';

test('ids are whole numbers', () => {
  expect(parseIds('1,403,407')).toEqual([1, 403, 407]);
  for (const text of ['', '1,', '-1', '1.5', 'a', '1 2', '9'.repeat(30)]) {
    expect(() => parseIds(text)).toThrow(/^--prompt-ids .* is no list of token ids; give/);
  }
});
