import { expect, test } from 'vitest';
import { RestingMemory } from './resting-memory.js';

/** A process of so many MB in use and so many free in its heap. */
class FakeMemory {
  usedBytes: number;
  freeBytes: number;

  constructor(usedBytes: number, freeBytes: number) {
    this.usedBytes = usedBytes;
    this.freeBytes = freeBytes;
  }

  readonly anonymousBytes = (): number => this.usedBytes + this.freeBytes;
  readonly giveBack = (): void => void (this.freeBytes = 0);
}

test('what a warm process has stays; what it has beyond that goes back', () => {
  const memory = new FakeMemory(40, 60);
  const resting = new RestingMemory(memory);
  resting.noteWarm();
  expect(resting.rest()).toBe(false);
  memory.freeBytes = 69;
  expect(resting.rest()).toBe(false);
  memory.freeBytes = 200;
  expect(resting.rest()).toBe(true);
  expect(memory.anonymousBytes()).toBe(40);
});

test('the reserve of a warm process comes back with the next requests, and stays', () => {
  const memory = new FakeMemory(40, 60);
  const resting = new RestingMemory(memory);
  resting.noteWarm();
  memory.freeBytes = 200;
  resting.rest();
  memory.freeBytes = 60;
  expect(resting.rest()).toBe(false);
});

test('a reserve is left beside what is in use, also where that grows', () => {
  const memory = new FakeMemory(40, 60);
  const resting = new RestingMemory(memory);
  resting.noteWarm();
  memory.freeBytes = 200;
  resting.rest();
  // Kept rows, say.
  memory.usedBytes = 540;
  memory.freeBytes = 200;
  expect(resting.rest()).toBe(true);
  memory.freeBytes = 60;
  expect(resting.rest()).toBe(false);
  // And they go again.
  memory.usedBytes = 40;
  memory.freeBytes = 700;
  expect(resting.rest()).toBe(true);
  memory.freeBytes = 80;
  expect(resting.rest()).toBe(true);
});

test('a process that never got warm keeps no reserve, and does not try again before it has grown', () => {
  const memory = new FakeMemory(40, 60);
  const resting = new RestingMemory(memory);
  expect(resting.rest()).toBe(true);
  expect(resting.rest()).toBe(false);
  memory.freeBytes = 5;
  expect(resting.rest()).toBe(true);
});

test('where the system tells nothing, nothing is done', () => {
  const memory = { anonymousBytes: () => 0, giveBack: () => expect.unreachable() };
  expect(new RestingMemory(memory).rest()).toBe(false);
});
