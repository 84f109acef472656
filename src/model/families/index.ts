/**
 * Finds the architecture for a config.json by its model_type.
 */
import { z } from 'zod';
import { checkJson } from '../checkpoint/json-file.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import { unsupported } from './config.js';
import type { ConfigFile } from './config.js';
import { readFalcon } from './falcon.js';
import { readLlama } from './llama.js';
import type { ModelParts } from './parts.js';

export type { ModelParts } from './parts.js';

type Architecture = (file: ConfigFile, tensors: TensorSource) => ModelParts;

/** model_type → architecture; the last two are Falcon's names before transformers knew it. */
const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ['llama', readLlama],
  ['falcon', readFalcon],
  ['RefinedWeb', readFalcon],
  ['RefinedWebModel', readFalcon],
]);

const typeSchema = z.object({
  model_type: z.string().min(1).max(100),
  quantization_config: z.unknown().optional(),
});

/** @returns the architecture, before any weight file is opened. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function architectureOf({ json, path }: ConfigFile): Architecture {
  const config = checkJson(typeSchema, json, path);
  const architecture = ARCHITECTURES.get(config.model_type);
  if (architecture === undefined) {
    throw unsupported(path, `model_type ${config.model_type}`, [...ARCHITECTURES.keys()].join(', '));
  }
  if (config.quantization_config !== undefined && config.quantization_config !== null) {
    throw unsupported(path, 'a quantised checkpoint (quantization_config)', 'F32, F16 and BF16 weights');
  }
  return architecture;
}
