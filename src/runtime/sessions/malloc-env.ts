/**
 * Environment that fits glibc's heap to kernels. Read when a process starts; unknown elsewhere and harmless there.
 *
 * Activations stay on the heap instead of being given back and faulted in again, a page at a time, for the next call:
 * one block of 2048×5632 at w8a8, 512 rows, one thread, on a virtual machine took 210 to 400 ms with 8,000 to 16,000
 * page faults by default, and 84 ms with none like this (measured). What is larger, such as the buffers in which the
 * runtime packs weights while it opens a model, is mapped and so given back.
 */
export const MALLOC_ENV = {
  // One heap for all threads: those of other threads are cut into pieces of 64 MiB and trimmed in their own way.
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: `${32 << 20}`,
  // More than a chunk's calls need at a time (118 MB for 512 rows of Llama 7B), so that what is given back is not needed again at
  // once; and a bound on what an idle worker keeps.
  MALLOC_TRIM_THRESHOLD_: `${128 << 20}`,
  MALLOC_TOP_PAD_: `${32 << 20}`,
  // Huge pages where the system offers them on request: a 512th of the faults.
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
} as const;
