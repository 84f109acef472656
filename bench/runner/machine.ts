/**
 * The machine a benchmark ran on: what every figure depends on, so every report begins with it.
 */
import { formatBytes, formatPlural } from '../../src/cli/terminal/format.js';
import { type MachineFacts, machineFacts } from '../../src/evaluation/bench/index.js';
import { instructionSets } from '../../src/runtime/sessions/instruction-sets.js';

export type BenchMachine = MachineFacts & { readonly instructionSets: readonly string[] };

/** What matrix kernels choose between, by the flag that Linux shows for it. */
const SETS: readonly (readonly [flag: string, name: string])[] = [
  ['avx2', 'AVX2'],
  ['avx_vnni', 'AVX-VNNI'],
  ['avx512f', 'AVX-512'],
  ['avx512_vnni', 'AVX-512-VNNI'],
  ['avx512_bf16', 'AVX-512-BF16'],
  ['amx_int8', 'AMX-INT8'],
  ['amx_bf16', 'AMX-BF16'],
];

export function benchMachine(): BenchMachine {
  return { ...machineFacts(), instructionSets: namedSets(instructionSets()) };
}

/** @param flags of /proc/cpuinfo, between spaces. @returns names of those that matter here */
export function namedSets(flags: string): string[] {
  const present = new Set(flags.split(' '));
  return SETS.filter(([flag]) => present.has(flag)).map(([, name]) => name);
}

export function machineLine(machine: BenchMachine): string {
  const { cpu, cores, memoryBytes, node, onnxruntime, instructionSets: sets } = machine;
  const parts = [cpu, formatPlural(cores, 'core'), sets.join(' '), formatBytes(memoryBytes)];
  return `${parts.filter((part) => part !== '').join(', ')}; node ${node}, onnxruntime ${onnxruntime}`;
}
