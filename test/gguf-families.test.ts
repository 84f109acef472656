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
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  AROUND,
  BASE,
  type Config,
  HEAD_NORMS,
  headDimOf,
  number,
  type Rules,
  scaling,
  writeAsGguf,
} from './support/hf-to-gguf.js';
import { expectSameModel } from './support/same-model.js';

const FOLDER = fileURLToPath(new URL('../../shared/models/families', import.meta.url));
const isHere = existsSync(FOLDER);

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
    await expectSameModel(plain, gguf, join(folder, 'cache'));
  });
});

/** Writes both forms of a model. */
async function prepare(name: string, rules: Rules): Promise<{ plain: string; gguf: string }> {
  const source = join(FOLDER, name);
  const plain = join(folder, name);
  mkdirSync(plain);
  const own = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as Config;
  writeFileSync(join(plain, 'config.json'), JSON.stringify({ ...own, ...rules.config }));
  const files = readdirSync(source).filter((file) => file.startsWith('model'));
  for (const file of files) symlinkSync(join(source, file), join(plain, file));
  const gguf = join(folder, `${name}.gguf`);
  await writeAsGguf(plain, files, rules, gguf);
  return { plain, gguf };
}
