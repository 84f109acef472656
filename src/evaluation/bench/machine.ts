/**
 * What a figure depends on beside the program: the machine and the versions it ran on.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { kernelKey } from '../../runtime/sessions/kernels.js';

export type MachineFacts = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly onnxruntime: string;
  readonly platform: string;
};

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.versions.node,
    onnxruntime: /^ort([^-]+)/.exec(kernelKey())?.[1] ?? 'unknown',
    platform: `${process.platform} ${process.arch}`,
  };
}
