/**
 * Makes a GGUF file in F32 of a HuggingFace folder, by rules written apart from the product's tables, as the programs that
 * write such files have them. Called by the tests that compare the two.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsFile } from '../../src/model/checkpoint/safetensors-file.js';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf-writer.js';

export type Config = Readonly<Record<string, unknown>>;
type Tensor = { readonly shape: readonly number[]; readonly data: Float32Array };

export type Rules = {
  readonly architecture: string;
  /** Name in a layer, without .weight and .bias → name in the file. */
  readonly names: Readonly<Record<string, string>>;
  readonly keys?: (config: Config) => Record<string, unknown>;
  readonly turnsRows?: boolean;
  readonly addsOne?: boolean;
  /** Queries, keys and values come a group of heads at a time, in so many groups. */
  readonly groups?: (config: Config) => number;
  /** What the file can not say, set in the folder's config to what readers take for it. */
  readonly config?: Config;
  readonly more?: (config: Config) => GgufTensor[];
};

export const BASE = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
};
export const HEAD_NORMS = { 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' };
export const AROUND = {
  ...BASE,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
};
export const number = (config: Config, key: string): number => config[key] as number;
export const scaling = (config: Config): Config => (config['rope_scaling'] ?? {}) as Config;
export const headDimOf = (config: Config): number =>
  (config['head_dim'] as number | undefined) ??
  number(config, 'hidden_size') / number(config, 'num_attention_heads');

/** @param files of weights in the folder */
export async function writeAsGguf(
  folder: string,
  files: readonly string[],
  rules: Rules,
  path: string,
): Promise<void> {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Config;
  const tensors = convert(await readAll(folder, files), config, rules);
  writeGguf(path, { keys: keysOf(config, rules), tensors: [...tensors, ...(rules.more?.(config) ?? [])] });
}

function keysOf(config: Config, { architecture, keys }: Rules): Record<string, GgufValue> {
  const own: Record<string, unknown> = {
    context_length: config['max_position_embeddings'],
    embedding_length: config['hidden_size'],
    block_count: config['num_hidden_layers'],
    feed_forward_length: config['intermediate_size'],
    'attention.head_count': config['num_attention_heads'],
    'attention.head_count_kv': config['num_key_value_heads'],
    'attention.key_length': config['head_dim'],
    'attention.layer_norm_rms_epsilon': config['rms_norm_eps'],
    'attention.layer_norm_epsilon': config['layer_norm_eps'],
    'rope.freq_base': config['rope_theta'],
    ...keys?.(config),
  };
  const written = Object.entries(own).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries([
    ['general.architecture', architecture],
    ...written.map(([key, value]) => [`${architecture}.${key}`, value as GgufValue]),
  ]) as Record<string, GgufValue>;
}

async function readAll(source: string, files: readonly string[]): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const name of files.filter((each) => each.endsWith('.safetensors'))) {
    const file = await SafetensorsFile.open(join(source, name));
    for (const [key, entry] of file.entries) {
      const values = entry.shape.reduce((product, size) => product * size, 1);
      tensors.set(key, { shape: entry.shape, data: await file.read(entry, 0, values) });
    }
    await file.close();
  }
  return tensors;
}

const OUTER: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  'model.final_layernorm': 'output_norm',
  lm_head: 'output',
  'transformer.word_embeddings': 'token_embd',
  'transformer.ln_f': 'output_norm',
  'gpt_neox.embed_in': 'token_embd',
  'gpt_neox.final_layer_norm': 'output_norm',
  embed_out: 'output',
};

const MIXTRAL: Readonly<Record<string, string>> = { w1: 'gate', w2: 'down', w3: 'up' };

function convert(tensors: Map<string, Tensor>, config: Config, rules: Rules): GgufTensor[] {
  const converted: GgufTensor[] = [];
  const experts = new Map<string, Tensor[]>();
  for (const [name, tensor] of tensors) {
    const [, layer = '', rest = name] =
      /^(?:model\.layers|transformer\.h|gpt_neox\.layers)\.(\d+)\.(.*)$/.exec(name) ?? [];
    const [, expert, role = ''] =
      /\.experts\.(\d+)\.(gate|up|down|w1|w2|w3)(?:_proj)?\.weight$/.exec(rest) ?? [];
    if (expert !== undefined) {
      const key = `blk.${layer}.ffn_${MIXTRAL[role] ?? role}_exps.weight`;
      const parts = experts.get(key) ?? [];
      parts[Number(expert)] = tensor;
      experts.set(key, parts);
    } else if (rest.startsWith('mlp.experts.')) {
      converted.push(...fusedExperts(`blk.${layer}.`, rest, tensor));
    } else {
      converted.push(plainTensor(layer, rest, tensor, config, rules));
    }
  }
  for (const [name, parts] of experts) {
    const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
    converted.push({ name, shape: [parts.length, ...(parts[0]?.shape ?? [])], data });
  }
  return converted;
}

function plainTensor(layer: string, name: string, tensor: Tensor, config: Config, rules: Rules): GgufTensor {
  const [, stem = name, ending = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const names = layer === '' ? OUTER : rules.names;
  const ours = names[stem];
  if (ours === undefined) throw new Error(`no rule for ${name}`);
  const data = changed(ours, tensor, config, rules);
  const prefix = layer === '' ? '' : `blk.${layer}.`;
  return { name: `${prefix}${ours}.${ending || 'weight'}`, shape: tensor.shape, data };
}

function changed(name: string, { shape, data }: Tensor, config: Config, rules: Rules): Float32Array {
  if (rules.addsOne && name.endsWith('norm')) return data.map((value) => value + 1);
  if (rules.groups && name === 'attn_qkv')
    return ungrouped(data, shape[0] ?? 0, rules.groups(config), headDimOf(config));
  if (!rules.turnsRows || (name !== 'attn_q' && name !== 'attn_k')) return data;
  const rows = shape[0] ?? 0;
  const columns = data.length / rows;
  const headDim = headDimOf(config);
  const out = new Float32Array(data.length);
  // Of each head, row (half, j) goes to row (j, half).
  for (let head = 0; head < rows; head += headDim)
    for (let half = 0; half < 2; half++)
      for (let j = 0; j < headDim / 2; j++) {
        const from = head + half * (headDim / 2) + j;
        out.set(data.subarray(from * columns, (from + 1) * columns), (head + 2 * j + half) * columns);
      }
  return out;
}

/** gpt-oss: [experts, in, out] → [experts, out, in], with gate and up, every other column, apart. */
function fusedExperts(prefix: string, name: string, { shape, data }: Tensor): GgufTensor[] {
  const isBias = name.endsWith('_bias');
  const [experts = 0] = shape;
  const columns = shape.at(-1) ?? 0;
  const rows = isBias ? 1 : (shape[1] ?? 0);
  const ending = isBias ? 'bias' : 'weight';
  const take = (first: number, step: number): Float32Array => {
    const values: number[] = [];
    for (let expert = 0; expert < experts; expert++)
      for (let column = first; column < columns; column += step)
        for (let row = 0; row < rows; row++)
          values.push(data[(expert * rows + row) * columns + column] ?? NaN);
    return Float32Array.from(values);
  };
  const tensor = (role: string, first: number, step: number): GgufTensor => ({
    name: `${prefix}ffn_${role}_exps.${ending}`,
    shape: isBias ? [experts, columns / step] : [experts, columns / step, rows],
    data: take(first, step),
  });
  if (name.includes('down_proj')) return [tensor('down', 0, 1)];
  return [tensor('gate', 0, 2), tensor('up', 1, 2)];
}

/** Groups of [queries, key, value] → all queries, all keys, all values. */
function ungrouped(data: Float32Array, rows: number, groups: number, headDim: number): Float32Array {
  const columns = data.length / rows;
  const groupRows = rows / groups;
  const queryRows = groupRows - 2 * headDim;
  const parts = [
    [0, queryRows],
    [queryRows, queryRows + headDim],
    [queryRows + headDim, groupRows],
  ] as const;
  const runs = parts.flatMap(([start, end]) =>
    Array.from({ length: groups }, (_, group) =>
      data.subarray((group * groupRows + start) * columns, (group * groupRows + end) * columns),
    ),
  );
  return Float32Array.from(runs.flatMap((run) => [...run]));
}
