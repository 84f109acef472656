/**
 * What a process keeps while it has nothing to do. Pages that every request needs stay, since faulting them in again costs the
 * next one 30 to 80 ms (measured, 36 to 70 MB); what it has beyond that, after many or large requests, goes back to the system.
 */
import { anonymousBytes } from './anonymous-bytes.js';
import { giveBackFreeMemory } from './heap-trim.js';

/** Beyond what is enough, before memory goes back: under it there is too little to gain. */
const MOST_GROWN = 1.1;

/** What the system does for a process. */
export type ProcessMemory = {
  readonly anonymousBytes: () => number;
  readonly giveBack: () => void;
};

export class RestingMemory {
  readonly #memory: ProcessMemory;
  #warmBytes = 0;
  /** The least that was in use after memory went back. */
  #leastBytes = Infinity;
  #enoughBytes = 0;

  constructor(memory: ProcessMemory = { anonymousBytes, giveBack: giveBackFreeMemory }) {
    this.#memory = memory;
  }

  /** The process has now what any request needs, in use or in reserve. One that never says so keeps no reserve. */
  noteWarm(): void {
    this.#warmBytes = this.#enoughBytes = this.#memory.anonymousBytes();
  }

  /** Whether there is so much more than enough that rest() would give back. */
  get hasGrown(): boolean {
    return this.#memory.anonymousBytes() > MOST_GROWN * this.#enoughBytes;
  }

  /** Call it when there is nothing to do, and garbage is collected. @returns whether memory was given back */
  rest(): boolean {
    if (!this.hasGrown) return false;
    this.#memory.giveBack();
    const usedBytes = this.#memory.anonymousBytes();
    this.#leastBytes = Math.min(this.#leastBytes, usedBytes);
    // What is in use may grow, by kept rows or more sessions; the reserve beside it stays what it was.
    this.#enoughBytes = usedBytes + Math.max(0, this.#warmBytes - this.#leastBytes);
    return true;
  }
}
