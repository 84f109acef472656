/**
 * Gives free pages of the C library's heap back to the system. free() itself gives back only what is at the heap's end, so one
 * small block keeps all that is before it: after 200 clients that left, a worker had 247 MB, and 64 MB with this (measured, 2 ms).
 * The call is glibc's malloc_trim, through a package that npm leaves out where it does not fit. For threads that have nothing to
 * do: pages that are needed again have to be faulted in.
 */
import { createRequire } from 'node:module';

/** malloc_trim of glibc. @param padBytes kept at the heap's end. @returns 1 where memory went back, else 0 */
export type TrimHeap = (padBytes: number) => number;

/** The part we use of koffi's binding, which has no types of its own. */
type ForeignFunctions = {
  readonly load: (library: string) => { readonly func: (declaration: string) => TrimHeap };
};

/** The binding alone: the package `koffi` around it has an install script, which we want of no dependency (docs/install.md). */
const BINDING = `@koromix/koffi-linux-${process.arch}`;

export class HeapTrim {
  readonly #open: () => TrimHeap | undefined;
  #trim: TrimHeap | undefined;
  #isOpen = false;

  /** @param open called when memory is first given back, and never again; undefined where there is nothing to call */
  constructor(open: () => TrimHeap | undefined) {
    this.#open = open;
  }

  /** @returns whether memory went back */
  giveBack(): boolean {
    if (!this.#isOpen) this.#trim = this.#open();
    this.#isOpen = true;
    return this.#trim?.(0) === 1;
  }
}

const heapTrim = new HeapTrim(() => openTrim(createRequire(import.meta.url)));

/** Gives back what is free in the heap of this process, whichever thread it belonged to. @returns whether memory went back */
export function giveBackFreeMemory(): boolean {
  return heapTrim.giveBack();
}

/** @returns undefined without the package (another platform, optional packages left out) or without glibc: memory stays then */
export function openTrim(require: (id: string) => unknown): TrimHeap | undefined {
  try {
    return (require(BINDING) as ForeignFunctions).load('libc.so.6').func('int malloc_trim(size_t)');
  } catch {
    return undefined;
  }
}
