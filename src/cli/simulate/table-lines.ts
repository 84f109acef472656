/**
 * What both tables of `kvr simulate` share: columns that line up, and a device in words. Pure.
 */
import type { DeviceProfile } from '../../simulate/index.js';
import { formatBytes } from '../terminal/format.js';

/** @param left columns of words; the others are numbers */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[],
): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return left.includes(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

export function deviceWords(device: DeviceProfile): string {
  const { matmulFlopsPerS, attentionFlopsPerS, memoryBytesPerS, scoreBytes, layerOverheadMs, elementBytes } =
    device;
  return `${flops(matmulFlopsPerS)} in products, ${flops(attentionFlopsPerS)} and ${scoreBytes} bytes a score in attention, ${formatBytes(memoryBytesPerS)}/s of memory, ${layerOverheadMs} ms a layer, ${8 * elementBytes} bits an element`;
}

function flops(rate: number): string {
  return rate >= 1e12 ? `${rate / 1e12} TFLOP/s` : `${rate / 1e9} GFLOP/s`;
}
