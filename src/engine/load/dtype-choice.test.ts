import { expect, test } from 'vitest';
import { FALCON_7B } from '../../core/published-shapes.js';
import { AUTO_ORDER, chooseDtype, type DtypeCandidate, pickDtype } from './dtype-choice.js';

const GB = 1e9;

function candidates(
  needed: readonly number[],
  times: readonly (number | undefined)[] = [],
): DtypeCandidate[] {
  return AUTO_ORDER.map((dtype, i) => {
    const ttftMs = times[i];
    return { dtype, neededBytes: (needed[i] ?? 0) * GB, ...(ttftMs !== undefined && { ttftMs }) };
  });
}

test('without measurements the first of the order is taken that fits', () => {
  expect(chooseDtype(candidates([2, 3, 1, 5]), 4 * GB)).toEqual({
    dtype: 'w8a8',
    reason:
      '2.0 GB of 4.0 GB free memory; not measured here, so by the usual order w8a8, q8, q4; f32 is exact',
  });
  expect(chooseDtype(candidates([2, 3, 1, 5]), 1.5 * GB).dtype).toBe('q4');
});

test('one that measurements call clearly faster goes before an earlier one', () => {
  const choice = chooseDtype(candidates([1, 1, 1, 1], [100, 60, 95, undefined]), 4 * GB);
  expect(choice.dtype).toBe('q8');
  expect(choice.reason).toMatch(/the fastest by measurements here: w8a8 100 ms, q8 60 ms, q4 95 ms/);
});

test('a little faster is not enough', () => {
  const choice = chooseDtype(candidates([1, 1, 1, 1], [100, 95, undefined, undefined]), 4 * GB);
  expect(choice.dtype).toBe('w8a8');
  expect(choice.reason).toMatch(/none is clearly faster/);
});

test('a type that alone was measured is not taken for the fastest, and one that does not fit is not either', () => {
  expect(chooseDtype(candidates([1, 1, 1, 1], [undefined, undefined, undefined, 500]), 4 * GB).dtype).toBe(
    'w8a8',
  );
  expect(chooseDtype(candidates([1, 1, 1, 9], [100, undefined, 99, 10]), 4 * GB).dtype).toBe('w8a8');
});

test('where none fits one line says what is needed, what is there and what to do', () => {
  expect(() => chooseDtype(candidates([70, 90, 41, 280]), 23 * GB)).toThrow(
    'dtype auto: none fits; q4 needs least, 41 GB for all workers, and 23 GB are free; use fewer workers or a smaller model',
  );
});

const ASK = { workers: 1, chunkTokens: 512, kvDtype: 'f32', threads: 1, cacheFolder: '/nowhere' } as const;
const SMALL = { ...FALCON_7B, layers: 1, hidden: 64, vocabulary: 300, contextTokens: 128 };

test('a small model keeps f32, and nothing has to be told', async () => {
  expect(await pickDtype({ ...ASK, checkpoint: { shape: SMALL, digest: 'd' } })).toEqual({ dtype: 'f32' });
});

test('what a checkpoint suggests is taken where it fits, and the usual choice where it does not', async () => {
  const suggestedDtype = { dtype: 'q4', reason: 'its weights are Q4_0' } as const;
  const larger = { ...SMALL, hidden: 1024, heads: 16, feedForward: 4096, layers: 4 };
  expect(await pickDtype({ ...ASK, checkpoint: { shape: larger, digest: 'd', suggestedDtype } })).toEqual(
    suggestedDtype,
  );
  expect(await pickDtype({ ...ASK, checkpoint: { shape: SMALL, digest: 'd', suggestedDtype } })).toEqual({
    dtype: 'f32',
  });
  const huge = { ...FALCON_7B, layers: 1000 };
  await expect(
    pickDtype({ ...ASK, checkpoint: { shape: huge, digest: 'd', suggestedDtype } }),
  ).rejects.toThrow('none fits');
});
