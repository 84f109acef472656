import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import { requestSpecSchema } from '../../core/request.js';
import type { RunMessage } from '../protocol/index.js';
import { checkRun, readPart } from './check-run.js';

const run = (rank: number, more: Partial<RunMessage> = {}): RunMessage => ({
  ...{ type: 'run', request: 1, rank, chain: ['w0', 'w1'], partition: [2, 3] },
  spec: requestSpecSchema.parse({ maxTokens: 4 }),
  ...more,
});
const payload = (...ids: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(Int32Array.from(ids).buffer);
const check = (message: RunMessage, ...ids: number[]): void =>
  checkRun(message, payload(...ids), `w${message.rank}`, TINY_LLAMA);

test('the last rank gets the answer so far behind the prompt', () => {
  const message = run(1, { answered: 2 });
  check(message, 1, 2, 3, 4, 5, 8, 9);
  const { ids, answer } = readPart(message, payload(1, 2, 3, 4, 5, 8, 9));
  expect([[...ids], [...answer]]).toEqual([
    [1, 2, 3, 4, 5],
    [8, 9],
  ]);
  expect(readPart(run(0), payload(1, 2)).answer).toHaveLength(0);
});

test.each([
  ['without its ids', run(1, { answered: 2 }), [1, 2, 3, 4, 5], '20 bytes of ids for 7 tokens'],
  [
    'of which nothing is left to make',
    run(1, { answered: 4 }),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
    '4 tokens of the answer are there, of 4',
  ],
  ['for another rank', run(0, { answered: 1 }), [1, 2], 'for rank 0, which is not the last'],
  [
    'with an unknown token',
    run(1, { answered: 1 }),
    [1, 2, 3, 4, 5, 61],
    'token id 61 of a vocabulary of 61',
  ],
] as const)('an answer %s is refused', (_, message, ids, reason) => {
  expect(() => check(message, ...ids)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  expect(() => check(message, ...ids)).toThrow(reason);
});
