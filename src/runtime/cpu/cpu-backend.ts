/**
 * The CPU as a backend: the kernel runtime's CPU provider.
 */
import type { Backend } from '../backend/backend.js';
import { CpuModel } from './cpu-model.js';

export const cpuBackend: Backend = {
  open: (compiledFolder, options) => CpuModel.open(compiledFolder, options),
};
