/**
 * Refuses what a model asks for and its family, as it is written here, does not do: keys of the config that change what is
 * computed, and tensors that nobody read. A model is never run wrongly in silence.
 */
import { KvrError } from '../../core/errors.js';
import { printable } from '../checkpoint/printable.js';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import type { CommonConfig } from './common-config.js';
import { COMPUTING_KEYS, STORED_OTHERWISE } from './computing-keys.js';
import { type ConfigFile, unsupported } from './config-limits.js';

/** @param read keys that the family reads. @throws UNSUPPORTED_MODEL with the key and its value */
export function checkKeys({ json, path }: ConfigFile, read: readonly string[], family: string): void {
  for (const [key, value] of Object.entries(json as Record<string, unknown>)) {
    const neutral = Object.hasOwn(COMPUTING_KEYS, key) ? COMPUTING_KEYS[key] : undefined;
    if (!neutral || value === null || read.includes(key)) continue;
    const text = JSON.stringify(value);
    if (neutral.some((each) => JSON.stringify(each) === text)) continue;
    throw unsupported(path, `${key} ${text.slice(0, 60)} of a ${family}`, allowedFor(key, neutral));
  }
}

function allowedFor(key: string, neutral: readonly unknown[]): string {
  if (Object.hasOwn(STORED_OTHERWISE, key))
    return 'unquantised checkpoints in F32, F16 or BF16, and GGUF files';
  return `${key} ${neutral.map((each) => JSON.stringify(each)).join(' or ') || 'null'}`;
}

/** @throws UNSUPPORTED_MODEL where the config gives a layer a window, or none, and the family makes it otherwise */
export function checkLayerTypes({ layerTypes, file }: CommonConfig, specs: readonly LayerSpec[]): void {
  layerTypes?.forEach((type, layer) => {
    const window = specs[layer % specs.length]?.attention.windowTokens;
    if ((type === 'sliding_attention') === (window !== undefined)) return;
    const fitting = window === undefined ? 'full_attention where there is no window' : 'sliding_attention';
    throw unsupported(file.path, `layer_types.${layer} ${type}`, fitting);
  });
}

/** Buffers that other programs store beside weights, towers of other senses, and heads that are the embedding once more. */
const IGNORED_TENSORS = [
  /rotary_emb\.inv_freq$/,
  /\.(attn|attention|self_attn|self_attention)\.(bias|masked_bias)$/,
  /^(model\.)?(vision_tower|vision_model|visual|multi_modal_projector|audio_tower)\./,
  /^(language_model\.)?lm_head\.weight$/,
];

/** Notes which tensors are asked for. */
export class ReadTensors {
  readonly source: TensorSource;
  readonly #read = new Set<string>();

  constructor(source: TensorSource) {
    this.source = {
      ...source,
      matrix: (name, ...sizes) => source.matrix(this.#note(name), ...sizes),
      vector: (name, length) => source.vector(this.#note(name), length),
      column: (name, length) => source.column(this.#note(name), length),
      stacked: (name, sizes) => source.stacked(this.#note(name), sizes),
      bytes: (name, sizes) => source.bytes(this.#note(name), sizes),
    };
  }

  /** @throws UNSUPPORTED_MODEL naming a tensor that has no place in the model as it was understood */
  check(path: string, family: string): void {
    const isKnown = (name: string): boolean =>
      this.#read.has(name) || IGNORED_TENSORS.some((pattern) => pattern.test(name));
    const unread = this.source.names().filter((name) => !isKnown(name));
    if (unread.length === 0) return;
    const others = unread.length > 1 ? ` and ${unread.length - 1} others` : '';
    throw new KvrError(
      'UNSUPPORTED_MODEL',
      `${path}: tensor ${printable(unread[0] ?? '')}${others} has no place in a ${family} as we know it; without it answers would be wrong, so use another checkpoint`,
    );
  }

  #note(name: string): string {
    this.#read.add(name);
    return name;
  }
}
