/**
 * Opens a compiled model on a device. Everyone outside of runtime/ takes models from here and knows them as BackendModel.
 */
import type { Backend, BackendModel, OpenOptions } from './backend/backend.js';
import { cpuBackend } from './cpu/cpu-backend.js';

const BACKENDS = { cpu: cpuBackend } as const satisfies Record<string, Backend>;

export type BackendKind = keyof typeof BACKENDS;

/** @throws BAD_CHECKPOINT where the folder holds no compiled model, INTERNAL where the device refuses it */
export function openModel(
  kind: BackendKind,
  compiledFolder: string,
  options: OpenOptions,
): Promise<BackendModel> {
  return BACKENDS[kind].open(compiledFolder, options);
}
