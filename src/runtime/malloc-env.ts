/**
 * Environment that makes glibc keep large blocks on its heap instead of mapping and unmapping them for every kernel
 * call, which costs a page fault per 4 KiB. Read when a process starts; unknown elsewhere and harmless there.
 */
export const MALLOC_ENV = {
  MALLOC_MMAP_THRESHOLD_: `${1 << 30}`,
  MALLOC_TRIM_THRESHOLD_: `${1 << 30}`,
} as const;
