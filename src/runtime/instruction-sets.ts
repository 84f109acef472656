/**
 * The CPU's instruction set flags, as far as the system tells: packed weights depend on them, and two CPUs may
 * carry the same model name with different flags in a virtual machine.
 */
import { readFileSync } from 'node:fs';

const CPU_INFO = '/proc/cpuinfo';

/** @returns the flags line on Linux, '' where the system has no such file. */
export function instructionSets(): string {
  if (process.platform !== 'linux') return '';
  return /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync(CPU_INFO, 'utf8'))?.[1] ?? '';
}
