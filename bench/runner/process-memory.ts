/**
 * The memory of processes as Linux counts it, from /proc.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** What this process's children have resident, with what they share split among them (PSS): the workers of its engines. */
export function childrenPssBytes(): number {
  return childrenOf(process.pid).reduce(
    (sum, pid) => sum + kibOf(readProc(String(pid), 'smaps_rollup'), 'Pss'),
    0,
  );
}

/** In order of their ids. */
export function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === parent);
  return pids.map(Number).sort((a, b) => a - b);
}

/** Open files and sockets of a process. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What a process has resident, shared pages included (RSS). */
export function residentBytes(pid: number): number {
  return kibOf(readProc(String(pid), 'status'), 'VmRSS');
}

/** What a process has of its own, without the files it maps. */
export function anonymousBytes(pid: number): number {
  return kibOf(readProc(String(pid), 'status'), 'RssAnon');
}

function kibOf(text: string, name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

function parentOf(pid: string): number {
  return Number(readProc(pid, 'stat').split(') ')[1]?.split(' ')[1]);
}

/** A process may end between being listed and being read. */
function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
