/**
 * Worker processes as the system sees them: found by their parent, killed, stopped, counted. Needs `ps`.
 */
import { execFileSync, spawnSync } from 'node:child_process';

export type WorkerPid = { readonly pid: number; readonly rank: number };

/** Worker processes that `parent` started and that have not ended, in rank order. */
export function workersOf(parent: number): WorkerPid[] {
  const listing = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  const found: WorkerPid[] = [];
  for (const line of listing.split('\n')) {
    const [, pid, ppid, state] = /^\s*(\d+)\s+(\d+)\s+(\S+)/.exec(line) ?? [];
    const rank = /worker\/main\.js .*"worker":"local-(\d+)"/.exec(line)?.[1];
    if (rank !== undefined && Number(ppid) === parent && !state?.startsWith('Z'))
      found.push({ pid: Number(pid), rank: Number(rank) });
  }
  return found.sort((a, b) => a.rank - b.rank);
}

/** True while a process runs; one that has ended and waits to be reaped does not. */
export function runs(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** True while a process runs or waits to be reaped. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
