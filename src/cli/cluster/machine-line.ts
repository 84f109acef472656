/**
 * A machine in a line.
 */
import type { MachineRecord } from '../../core/documents/machine-list.js';
import { formatBytes, formatCount, formatMs, formatPlural, oneLine } from '../terminal/format.js';

export function machineLine(machine: MachineRecord): string {
  const { name, address, status, reason, digest, dtype, threads, kvBytes, tokensPerSecond } = machine;
  const parts = [
    name === address || address === undefined ? name : `${name} at ${address}`,
    status,
    machineWords(machine),
    digest !== undefined && `model ${digest.slice(0, 12)} ${dtype ?? ''}`.trimEnd(),
    threads !== undefined && formatPlural(threads, 'thread'),
    kvBytes !== undefined && `${formatBytes(kvBytes)} for keys and values`,
    tokensPerSecond !== undefined && `reads ${formatCount(Math.round(tokensPerSecond))} tokens/s (predicted)`,
    linkWords(machine),
    reason,
    machine.lastFault &&
      `lost last at ${new Date(machine.lastFault.atMs).toISOString()}: ${machine.lastFault.message}`,
  ];
  return parts
    .filter((part) => typeof part === 'string')
    .map(oneLine)
    .join(' · ');
}

function machineWords({ cpu, cores, memoryBytes }: MachineRecord): string | undefined {
  if (cpu === undefined || cores === undefined || memoryBytes === undefined) return undefined;
  return `${cpu}, ${formatPlural(cores, 'core')}, ${formatBytes(memoryBytes)}`;
}

function linkWords({ toNext }: MachineRecord): string | undefined {
  if (!toNext) return undefined;
  return `to ${toNext.name} ${formatBytes(toNext.bytesPerS)}/s, ${formatMs(toNext.latencyMs)}`;
}
