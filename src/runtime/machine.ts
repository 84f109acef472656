/**
 * The machine that this process runs on.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Machine } from '../core/machine.js';

const MAX_NAME_CHARS = 200;

export function thisMachine(): Machine {
  return {
    cpu: (cpus()[0]?.model.trim() || process.arch).slice(0, MAX_NAME_CHARS),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
}
