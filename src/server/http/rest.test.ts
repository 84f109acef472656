import { expect, test } from 'vitest';
import { restLook } from './rest.js';

/** A memory of so many MB that notes what is done to it. */
function fakeMemory(megabytes: number) {
  const done: string[] = [];
  const memory = {
    megabytes,
    enough: 0,
    noteWarm: () => void (memory.enough = memory.megabytes),
    get hasGrown(): boolean {
      return memory.megabytes > memory.enough;
    },
    rest: () => done.push('rest') > 0,
  };
  return { memory, done, collect: () => void done.push('collect') };
}

test('nothing is done while memory is what it was at the start', () => {
  const { memory, done, collect } = fakeMemory(60);
  const look = restLook(memory, collect);
  look();
  look();
  expect(done).toEqual([]);
});

test('what has grown is collected, and goes back to the system at the next look', () => {
  const { memory, done, collect } = fakeMemory(60);
  const look = restLook(memory, collect);
  memory.megabytes = 200;
  look();
  expect(done).toEqual(['collect']);
  memory.megabytes = 150;
  look();
  expect(done).toEqual(['collect', 'rest']);
  memory.megabytes = 60;
  look();
  expect(done).toEqual(['collect', 'rest']);
});
