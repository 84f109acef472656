import { expect, test } from 'vitest';
import { HeapTrim, openTrim } from './heap-trim.js';

test('the C library is opened once, when memory is first given back', () => {
  const opened: string[] = [];
  const trimmed: number[] = [];
  const heap = new HeapTrim(() => {
    opened.push('opened');
    return (padBytes) => trimmed.push(padBytes);
  });
  expect(opened).toEqual([]);
  expect(heap.giveBack()).toBe(true);
  // The C library says whether any memory went back.
  expect(heap.giveBack()).toBe(false);
  expect({ opened, trimmed }).toEqual({ opened: ['opened'], trimmed: [0, 0] });
});

test('where there is nothing to call, nothing is given back, and nobody looks again', () => {
  let looks = 0;
  const heap = new HeapTrim(() => {
    looks++;
    return undefined;
  });
  expect([heap.giveBack(), heap.giveBack()]).toEqual([false, false]);
  expect(looks).toBe(1);
});

test('a missing package, a missing library and a missing function are all no reason to fail', () => {
  const fail = (what: string) => (): never => {
    throw new Error(`no ${what}`);
  };
  expect(openTrim(fail('package'))).toBeUndefined();
  expect(openTrim(() => ({ load: fail('library') }))).toBeUndefined();
  expect(openTrim(() => ({ load: () => ({ func: fail('function') }) }))).toBeUndefined();
  const trim = (): number => 1;
  expect(openTrim(() => ({ load: () => ({ func: () => trim }) }))).toBe(trim);
});
