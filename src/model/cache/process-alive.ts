/**
 * Whether a process of this machine is there.
 */
import { isErrno } from './files/errno.js';

/** @returns true for every process that exists, also those of other users. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}
