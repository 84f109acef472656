/**
 * The architectures of GGUF files that are read, and what config.json each file would have.
 */
import { broken, notSupported, quoted } from '../header/broken.js';
import type { Metadata } from '../header/metadata.js';
import type { ArchitectureTable } from './architecture-table.js';
import { GEMMA } from './gemma.js';
import { LLAMA_LIKE, LLAMA_VARIANTS } from './llama-like.js';
import type { ModelFacts } from './model-facts.js';
import { FALCON_OF_TWO_NORMS, OTHERS } from './others.js';
import { rotaryConfig } from './rotary-config.js';
import { refuseUnread } from './unread-keys.js';
import { windowPattern } from './window-pattern.js';

export type { ArchitectureTable, TensorName } from './architecture-table.js';
export { CONFIG_VECTORS, modelFacts, type ModelFacts } from './model-facts.js';

const TABLES: ReadonlyMap<string, ArchitectureTable> = new Map(
  Object.entries({ ...LLAMA_LIKE, ...GEMMA, ...OTHERS }),
);

const RMS_NORM = 'attention.layer_norm_rms_epsilon';
const LAYER_NORM = 'attention.layer_norm_epsilon';

const COMMON_KEYS = {
  context_length: 'max_position_embeddings',
  embedding_length: 'hidden_size',
  block_count: 'num_hidden_layers',
  feed_forward_length: 'intermediate_size',
  'attention.head_count': 'num_attention_heads',
  [RMS_NORM]: 'rms_norm_eps',
} as const;

/** @returns general.architecture. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL with the list of those that are read */
export function architectureName(metadata: Metadata): string {
  const name = metadata.string('general.architecture') ?? '';
  if (TABLES.has(name)) return name;
  const what = name === '' ? 'a file without general.architecture' : `architecture ${quoted(name)}`;
  throw notSupported(metadata.path, what, [...TABLES.keys()].join(', '));
}

/** Some names stand for several models. */
export function architectureTable(facts: ModelFacts): ArchitectureTable {
  const { architecture, hasTensor } = facts;
  if (architecture === 'llama') {
    if ((facts.number('expert_count') ?? 0) > 0) return LLAMA_VARIANTS.mixtral;
    if ((facts.number('attention.sliding_window') ?? 0) > 0) return LLAMA_VARIANTS.mistral;
  }
  if (architecture === 'falcon' && hasTensor('blk.0.attn_norm_2.weight')) return FALCON_OF_TWO_NORMS;
  return TABLES.get(architecture) as ArchitectureTable;
}

/** What config.json says of the same model. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function configOf(facts: ModelFacts, table: ArchitectureTable, vocabulary: number): object {
  refuseUnread(facts, table);
  checkThere(facts, 'context_length');
  checkThere(facts, table.keys?.[LAYER_NORM] === undefined ? RMS_NORM : LAYER_NORM);
  const { rope_scaling: scaling, ...rotary } = rotaryConfig(facts);
  const config = {
    model_type: table.modelType,
    vocab_size: vocabulary,
    // Families take sizes of their own for keys that a config leaves out; a GGUF file means these.
    num_key_value_heads: facts.kvHeads,
    head_dim: facts.headDim,
    tie_word_embeddings: !facts.hasTensor('output.weight'),
    ...rotary,
    ...(typeof scaling === 'object' && { rope_scaling: { ...table.scaling, ...scaling } }),
    ...table.fixed,
    ...valuesOf(facts, COMMON_KEYS),
    ...valuesOf(facts, table.keys ?? {}),
    ...table.derived?.(facts),
    ...windowPattern(facts),
  };
  refusePartialRotary(facts, config);
  return config;
}

/** A part of each head that is turned, where the architecture has no word for it. */
function refusePartialRotary({ architecture, metadata, number, headDim }: ModelFacts, config: object): void {
  const turned = number('rope.dimension_count');
  if (turned === undefined || turned === headDim) return;
  if ('partial_rotary_factor' in config || 'rotary_pct' in config) return;
  throw notSupported(
    metadata.path,
    `${architecture}.rope.dimension_count ${turned}`,
    `${headDim}, the whole head`,
  );
}

/** Families take a usual value for some keys that a config leaves out; a GGUF file has to say these. */
function checkThere({ architecture, metadata, number }: ModelFacts, key: string): void {
  if (number(key) !== undefined) return;
  throw broken(metadata.path, `metadata "${architecture}.${key}" is missing`);
}

function valuesOf(facts: ModelFacts, keys: Readonly<Record<string, string>>): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [key, name] of Object.entries(keys)) {
    const value = facts.number(key);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
