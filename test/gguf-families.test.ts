/**
 * The same models as HuggingFace folders and as GGUF files in F32, converted here by the rules of the programs that write
 * such files: both make the same shape, and the same weights to the last digit, so they give the same logits.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WeightMatrix } from '../src/core/checkpoint.js';
import { openCheckpoint } from '../src/model/open.js';
import { SafetensorsFile } from '../src/model/checkpoint/safetensors-file.js';
import { type GgufTensor, type GgufValue, writeGguf } from './support/gguf-writer.js';

const FOLDER = fileURLToPath(new URL('../../shared/models/families', import.meta.url));
const isHere = existsSync(FOLDER);

type Config = Readonly<Record<string, unknown>>;
type Tensor = { readonly shape: readonly number[]; readonly data: Float32Array };

type Rules = {
  readonly architecture: string;
  /** Name in a layer, without .weight and .bias → name in the file. */
  readonly names: Readonly<Record<string, string>>;
  readonly keys?: (config: Config) => Record<string, unknown>;
  readonly turnsRows?: boolean;
  readonly addsOne?: boolean;
  /** What the file can not say, set in the folder's config to what readers take for it. */
  readonly config?: Config;
  readonly more?: (config: Config) => GgufTensor[];
};

const BASE = {
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
const HEAD_NORMS = { 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' };
const AROUND = {
  ...BASE,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
};
const number = (config: Config, key: string): number => config[key] as number;
const scaling = (config: Config): Config => (config['rope_scaling'] ?? {}) as Config;
const headDimOf = (config: Config): number =>
  (config['head_dim'] as number | undefined) ??
  number(config, 'hidden_size') / number(config, 'num_attention_heads');

const RULES: Readonly<Record<string, Rules>> = {
  mistral: {
    architecture: 'llama',
    names: BASE,
    turnsRows: true,
    keys: (config) => ({ 'attention.sliding_window': config['sliding_window'] }),
  },
  qwen2: { architecture: 'qwen2', names: BASE },
  'qwen2-yarn': {
    architecture: 'qwen2',
    names: BASE,
    keys: (config) => ({
      'rope.scaling.type': 'yarn',
      'rope.scaling.factor': scaling(config)['factor'],
      'rope.scaling.original_context_length': scaling(config)['original_max_position_embeddings'],
    }),
  },
  qwen3: { architecture: 'qwen3', names: { ...BASE, ...HEAD_NORMS } },
  qwen3_moe: {
    architecture: 'qwen3moe',
    names: { ...BASE, ...HEAD_NORMS, 'mlp.gate': 'ffn_gate_inp' },
    keys: (config) => ({
      expert_count: config['num_experts'],
      expert_used_count: config['num_experts_per_tok'],
      expert_feed_forward_length: config['moe_intermediate_size'],
    }),
  },
  'smollm3-interval': { architecture: 'smollm3', names: BASE, turnsRows: true },
  granite: {
    architecture: 'granite',
    names: BASE,
    turnsRows: true,
    keys: (config) => ({
      embedding_scale: config['embedding_multiplier'],
      residual_scale: config['residual_multiplier'],
      'attention.scale': config['attention_multiplier'],
      logit_scale: config['logits_scaling'],
    }),
  },
  olmo2: {
    architecture: 'olmo2',
    names: { ...AROUND, ...HEAD_NORMS },
  },
  gemma2: {
    architecture: 'gemma2',
    names: AROUND,
    addsOne: true,
    config: { query_pre_attn_scalar: 16 },
    keys: (config) => ({
      attn_logit_softcapping: config['attn_logit_softcapping'],
      final_logit_softcapping: config['final_logit_softcapping'],
      'attention.sliding_window': config['sliding_window'],
    }),
  },
  gemma3_text: {
    architecture: 'gemma3',
    names: { ...AROUND, ...HEAD_NORMS },
    addsOne: true,
    config: { query_pre_attn_scalar: 16 },
    keys: (config) => ({
      'attention.sliding_window': config['sliding_window'],
      'rope.scaling.type': 'linear',
      'rope.scaling.factor': scaling(config)['factor'],
    }),
  },
  phi2: {
    architecture: 'phi2',
    names: { ...BASE, 'self_attn.dense': 'attn_output', 'mlp.fc1': 'ffn_up', 'mlp.fc2': 'ffn_down' },
    keys: (config) => ({
      'rope.dimension_count': Math.floor(number(config, 'partial_rotary_factor') * headDimOf(config)),
    }),
  },
  'phi4-mini': {
    architecture: 'phi3',
    names: { ...BASE, 'self_attn.qkv_proj': 'attn_qkv', 'mlp.gate_up_proj': 'ffn_up' },
    keys: (config) => ({
      'rope.dimension_count': number(config, 'partial_rotary_factor') * headDimOf(config),
      'rope.scaling.original_context_length': config['original_max_position_embeddings'],
      'rope.scaling.attn_factor': Math.sqrt(1 + Math.log(512 / 64) / Math.log(64)),
      'attention.sliding_window': config['sliding_window'],
    }),
    more: (config) =>
      (['long', 'short'] as const).map((which) => {
        const data = Float32Array.from(scaling(config)[`${which}_factor`] as number[]);
        return { name: `rope_factors_${which}.weight`, shape: [data.length], data };
      }),
  },
  cohere: {
    architecture: 'command-r',
    names: { ...BASE, ...HEAD_NORMS },
    keys: (config) => ({ logit_scale: config['logit_scale'] }),
  },
  gpt_oss: {
    architecture: 'gpt-oss',
    names: {
      ...BASE,
      post_attention_layernorm: 'post_attention_norm',
      'self_attn.sinks': 'attn_sinks',
      'mlp.router': 'ffn_gate_inp',
    },
    keys: (config) => ({
      expert_count: config['num_local_experts'],
      expert_used_count: config['num_experts_per_tok'],
      expert_feed_forward_length: config['intermediate_size'],
      'attention.sliding_window': config['sliding_window'],
      'rope.scaling.type': 'yarn',
      'rope.scaling.factor': scaling(config)['factor'],
      'rope.scaling.original_context_length': scaling(config)['original_max_position_embeddings'],
    }),
  },
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-gguf-families-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!isHere)(`models${isHere ? '' : ' (skipped: they are not part of the repository)'}`, () => {
  test.each(Object.keys(RULES))('%s', async (name) => {
    const rules = RULES[name] as Rules;
    const { plain, gguf } = await prepare(name, rules);
    const [theirs, ours] = [
      await openCheckpoint(plain, { cacheFolder: join(folder, 'cache') }),
      await openCheckpoint(gguf, { cacheFolder: join(folder, 'cache') }),
    ];
    // A config that names no family of its own is a llama's.
    const { architecture: _ours, ...shape } = ours.shape;
    const { architecture: _theirs, ...expected } = theirs.shape;
    expect(shape).toEqual(expected);
    await expectSame(ours.embedding, theirs.embedding, 'embedding');
    await expectSame(ours.head, theirs.head, 'head');
    await expectSame(ours.finalNorm, theirs.finalNorm, 'finalNorm');
    for (let layer = 0; layer < ours.shape.layers; layer++)
      await expectSame(ours.layer(layer), theirs.layer(layer), `layer ${layer}`);
    await Promise.all([ours.close(), theirs.close()]);
  });
});

const isMatrix = (value: object): value is WeightMatrix => 'read' in value && 'columns' in value;

/** The same parts, and the same values bit by bit. */
async function expectSame(ours: unknown, theirs: unknown, where: string): Promise<void> {
  if (typeof theirs !== 'object' || theirs === null) return expect([where, ours]).toEqual([where, theirs]);
  if (!isMatrix(theirs)) {
    const [a, b] = [ours as Record<string, unknown>, theirs as Record<string, unknown>];
    expect([where, Object.keys(a).sort()]).toEqual([where, Object.keys(b).sort()]);
    for (const key of Object.keys(b)) await expectSame(a[key], b[key], `${where}.${key}`);
    return;
  }
  const [a, b] = await Promise.all([ours as WeightMatrix, theirs].map((each) => each.read(0, each.rows)));
  // Where 1 + w is stored, w is not had back exactly, but 1 + w is.
  expect([
    where,
    Buffer.from((a as Float32Array).buffer).equals(Buffer.from((b as Float32Array).buffer)),
  ]).toEqual([where, true]);
}

/** Writes both forms of a model. */
async function prepare(name: string, rules: Rules): Promise<{ plain: string; gguf: string }> {
  const source = join(FOLDER, name);
  const plain = join(folder, name);
  mkdirSync(plain);
  const own = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as Config;
  const config = { ...own, ...rules.config };
  writeFileSync(join(plain, 'config.json'), JSON.stringify(config));
  const files = readdirSync(source).filter((file) => file.startsWith('model'));
  for (const file of files) symlinkSync(join(source, file), join(plain, file));
  const tensors = convert(await readAll(source, files), config, rules);
  const gguf = join(folder, `${name}.gguf`);
  writeGguf(gguf, { keys: keysOf(config, rules), tensors: [...tensors, ...(rules.more?.(config) ?? [])] });
  return { plain, gguf };
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
};

function convert(tensors: Map<string, Tensor>, config: Config, rules: Rules): GgufTensor[] {
  const converted: GgufTensor[] = [];
  const experts = new Map<string, Tensor[]>();
  for (const [name, tensor] of tensors) {
    const [, layer = '', rest = name] = /^model\.layers\.(\d+)\.(.*)$/.exec(name) ?? [];
    const [, expert, role = ''] = /^mlp\.experts\.(\d+)\.(\w+)_proj\.weight$/.exec(rest) ?? [];
    if (expert !== undefined) {
      const key = `blk.${layer}.ffn_${role}_exps.weight`;
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
