/**
 * What a figure depends on beside the program: the machine and the versions it ran on.
 */
import type { Machine } from '../../core/machine.js';
import { thisMachine } from '../../runtime/machine.js';
import { kernelKey } from '../../runtime/sessions/kernels.js';

export type MachineFacts = Readonly<Machine> & {
  readonly node: string;
  readonly onnxruntime: string;
  readonly platform: string;
};

export function machineFacts(): MachineFacts {
  return {
    ...thisMachine(),
    node: process.versions.node,
    onnxruntime: /^ort([^-]+)/.exec(kernelKey())?.[1] ?? 'unknown',
    platform: `${process.platform} ${process.arch}`,
  };
}
