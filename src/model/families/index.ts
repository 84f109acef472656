/**
 * The families that are known, and the one that a config.json belongs to by its model_type.
 */
import { z } from 'zod';
import type { ModelShape } from '../../core/shape.js';
import { checkJson } from '../checkpoint/json-file.js';
import { type ConfigFile, unsupported } from '../family/config-limits.js';
import type { Family } from '../family/family.js';
import { COHERE, COHERE2 } from './cohere.js';
import { FALCON } from './falcon.js';
import { GEMMA, GEMMA2 } from './gemma.js';
import { GEMMA3 } from './gemma3.js';
import { GLM4 } from './glm4.js';
import { GPT_NEOX } from './gpt-neox.js';
import { GPT_OSS } from './gpt-oss.js';
import { GRANITE } from './granite.js';
import { LLAMA } from './llama.js';
import { MISTRAL, MIXTRAL } from './mistral.js';
import { OLMO2 } from './olmo2.js';
import { PHI, PHI3 } from './phi.js';
import { QWEN2 } from './qwen2.js';
import { QWEN3, QWEN3_MOE } from './qwen3.js';
import { SMOLLM3 } from './smollm3.js';
import { STABLELM } from './stablelm.js';
import { STARCODER2 } from './starcoder2.js';

const FAMILIES: readonly Family[] = [
  LLAMA,
  MISTRAL,
  MIXTRAL,
  QWEN2,
  QWEN3,
  QWEN3_MOE,
  GEMMA,
  GEMMA2,
  GEMMA3,
  PHI,
  PHI3,
  OLMO2,
  SMOLLM3,
  GRANITE,
  STARCODER2,
  GPT_OSS,
  COHERE,
  COHERE2,
  FALCON,
  GPT_NEOX,
  GLM4,
  STABLELM,
];

const BY_TYPE: ReadonlyMap<string, Family> = new Map(
  FAMILIES.flatMap((family) => family.types.map((type) => [type, family])),
);

/** Models that people will try, with what they have that we do not. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['deepseek_v2', 'latent attention'],
  ['deepseek_v3', 'latent attention'],
  ['mamba', 'a state space'],
  ['qwen3_next', 'linear attention'],
]);

/** They give every token those after it, too: no cache of earlier rows, and so no chain. */
const ENCODERS = [
  'albert',
  'bert',
  'camembert',
  'deberta',
  'deberta-v2',
  'distilbert',
  'electra',
  'modernbert',
  'mpnet',
  'new',
  'nomic_bert',
  'roberta',
  'xlm-roberta',
];
const ENCODER_WHY = 'an encoder; embeddings are made with decoders such as Qwen3-Embedding';

/** Their text model is not run as the family of its name is. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['colpali', 'prompts that see what comes after'],
  ['paligemma', 'prompts that see what comes after'],
  ['t5gemma', 'an encoder and a decoder'],
]);

const typeSchema = z.looseObject({ model_type: z.string().min(1).max(100) });
const nestedSchema = z.looseObject({ text_config: typeSchema, tie_word_embeddings: z.boolean().nullish() });

export type FoundFamily = { readonly family: Family; readonly file: ConfigFile };

/** The shape that a config describes, without its files. @throws as familyOf, and as the family's shape */
export function shapeOfConfig(given: ConfigFile): ModelShape {
  const { family, file } = familyOf(given);
  return family.shape(file);
}

/** The family, and the config that it reads, before any weight file is opened. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function familyOf(given: ConfigFile): FoundFamily {
  const file = textConfig(given);
  const { model_type: type } = checkJson(typeSchema, file.json, file.path);
  const family = BY_TYPE.get(type);
  if (family) return { family, file };
  const reason = ENCODERS.includes(type) ? ENCODER_WHY : REFUSED.get(type);
  const what = reason === undefined ? '' : ` (${reason})`;
  throw unsupported(file.path, `model_type ${type}${what}`, [...BY_TYPE.keys()].join(', '));
}

/** What a config says of its text model beside the part that describes it. */
const SHARED_KEYS = ['tie_word_embeddings', 'quantization_config', 'compression_config', 'quantization'];

/** The language model's part of a config that describes other senses beside it. */
function textConfig(file: ConfigFile): ConfigFile {
  const nested = nestedSchema.safeParse(file.json);
  if (!nested.success || !BY_TYPE.has(nested.data.text_config.model_type)) return file;
  const { text_config: text, ...outer } = nested.data;
  const reason = OTHERWISE.get(String(outer['model_type']));
  if (reason !== undefined)
    throw unsupported(file.path, `model_type ${String(outer['model_type'])} (${reason})`, `its text alone`);
  const shared = SHARED_KEYS.filter((key) => outer[key] !== null && outer[key] !== undefined);
  return { ...file, json: { ...Object.fromEntries(shared.map((key) => [key, outer[key]])), ...text } };
}
