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

/**
 * How int8 weights must lie for products with u8 activations to be exact. x86 kernels without VNNI add pairs of
 * products of u8 and i8 in 16 bits, which overflows; pairs of u8 and u8 they widen first. Kernels with VNNI, and those
 * of other architectures, sum in 32 bits and take i8, at up to twice the speed.
 */
export function integerWeights(): 'i8' | 'u8' {
  return process.arch !== 'x64' || /vnni/.test(instructionSets()) ? 'i8' : 'u8';
}
