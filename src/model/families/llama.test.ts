import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { plainLayer } from '../../core/layers/layer-spec.js';
import type { MlpWeights } from '../../core/checkpoint.js';
import type { Checkpoint } from '../../core/checkpoint.js';
import { openFolder } from '../open-folder.js';
import { writeSafetensors } from '../checkpoint/safetensors-writer.js';
import type { TensorToWrite } from '../checkpoint/safetensors-writer.js';

let folder = '';
let closing: Checkpoint[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-llama-'));
});
afterEach(async () => {
  await Promise.all(closing.map((checkpoint) => checkpoint.close()));
  closing = [];
  rmSync(folder, { recursive: true });
});

/** 2 layers, 4 heads of 6 that share 2 KV heads, hidden 8: no two sizes are alike. */
const CONFIG = {
  model_type: 'llama',
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  eos_token_id: 2,
  bos_token_id: 1,
};

const LAYER: [string, number[]][] = [
  ['input_layernorm.weight', [8]],
  ['post_attention_layernorm.weight', [8]],
  ['self_attn.q_proj.weight', [24, 8]],
  ['self_attn.k_proj.weight', [12, 8]],
  ['self_attn.v_proj.weight', [12, 8]],
  ['self_attn.o_proj.weight', [8, 24]],
  ['mlp.gate_proj.weight', [10, 8]],
  ['mlp.up_proj.weight', [10, 8]],
  ['mlp.down_proj.weight', [8, 10]],
];
const BIASES: [string, number[]][] = LAYER.filter(([name]) => name.includes('_proj')).map(([name, shape]) => [
  name.replace('weight', 'bias'),
  [shape[0]!],
]);

/** Every tensor begins with a number of its own, so that a mix-up shows. */
function tensors(prefix = 'model.', biases: [string, number[]][] = []): TensorToWrite[] {
  const names: [string, number[]][] = [
    [`${prefix}embed_tokens.weight`, [11, 8]],
    [`${prefix}norm.weight`, [8]],
    ['lm_head.weight', [11, 8]],
  ];
  for (const index of [0, 1]) {
    for (const [name, shape] of [...LAYER, ...biases])
      names.push([`${prefix}layers.${index}.${name}`, shape]);
  }
  return names.map(([name, shape], index) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { name, shape, data: Float32Array.from({ length }, (_, i) => index * 1000 + i) };
  });
}

async function write(config: object, written = tensors()): Promise<void> {
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...CONFIG, ...config }));
  await writeSafetensors(join(folder, 'model.safetensors'), written);
}

async function open(config: object = {}, written?: TensorToWrite[]): Promise<Checkpoint> {
  await write(config, written);
  return opened();
}

async function opened(name?: string): Promise<Checkpoint> {
  const options = { cacheFolder: join(folder, 'cache'), ...(name === undefined ? {} : { name }) };
  const checkpoint = await openFolder(folder, options);
  closing.push(checkpoint);
  return checkpoint;
}

/** The first value of a tensor by name. */
function firstOf(name: string, written: readonly TensorToWrite[]): number {
  return written.find((tensor) => tensor.name === name)!.data[0]!;
}

async function refused(config: object, code: string, ...parts: string[]): Promise<void> {
  const error: unknown = await open(config).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  for (const part of parts) expect((error as Error).message).toContain(part);
}

test.each(['model.', ''])('every role gets its own tensor under the prefix %j', async (prefix) => {
  const written = tensors(prefix, BIASES);
  const checkpoint = await open({ attention_bias: true, mlp_bias: true }, written);
  const first = async (matrix: { read(start: number, end: number): Promise<Float32Array> }) =>
    (await matrix.read(0, 1))[0];
  expect(await first(checkpoint.embedding)).toBe(firstOf(`${prefix}embed_tokens.weight`, written));
  expect(await first(checkpoint.head.weight)).toBe(firstOf('lm_head.weight', written));
  expect(await first(checkpoint.finalNorm.weight)).toBe(firstOf(`${prefix}norm.weight`, written));
  for (const index of [0, 1]) {
    const { attentionNorm, mlpNorm, mlp, q, k, v, o } = checkpoint.layer(index);
    const { gate, up, down } = mlp as MlpWeights;
    const linears = { q, k, v, o, gate: gate!, up, down };
    const name = (rest: string) => `${prefix}layers.${index}.${rest}`;
    expect(await first(attentionNorm!.weight)).toBe(firstOf(name('input_layernorm.weight'), written));
    expect(await first(mlpNorm!.weight)).toBe(firstOf(name('post_attention_layernorm.weight'), written));
    for (const [role, { weight, bias }] of Object.entries(linears)) {
      const part = 'qkvo'.includes(role) ? 'self_attn' : 'mlp';
      expect(await first(weight)).toBe(firstOf(name(`${part}.${role}_proj.weight`), written));
      expect(await first(bias!)).toBe(firstOf(name(`${part}.${role}_proj.bias`), written));
    }
  }
  expect(checkpoint.parameters).toBe(written.reduce((sum, { data }) => sum + data.length, 0));
});

test('without bias flags no biases are looked for', async () => {
  const { q, mlp } = (await open()).layer(0);
  expect([q.bias, (mlp as MlpWeights).down.bias]).toEqual([undefined, undefined]);
});

test('a config says the shape, with the defaults of the architecture', async () => {
  expect((await open()).shape).toEqual({
    architecture: 'llama',
    layers: 2,
    hidden: 8,
    heads: 4,
    kvHeads: 2,
    headDim: 6,
    feedForward: 10,
    vocabulary: 11,
    contextTokens: 2048,
    norm: 'rms',
    normEpsilon: 1e-6,
    specs: [plainLayer(6, 10_000)],
    embeddingScale: 1,
    logitScale: 1,
    tiedHead: false,
  });
});

test('absent kv heads and head_dim follow from the others', async () => {
  await write({ num_key_value_heads: undefined, head_dim: null, num_attention_heads: 4 });
  // 4 heads of 8/4: the tensors written are of another width, and the message says which.
  await expect(opened()).rejects.toThrow('q_proj.weight is [24, 8], config.json makes it [8, 8]');
});

test('the head is the embedding where the config ties them or there is no lm_head', async () => {
  for (const [config, written] of [
    [{ tie_word_embeddings: true }, tensors()],
    [{}, tensors().filter(({ name }) => name !== 'lm_head.weight')],
  ] as const) {
    const checkpoint = await open(config, written);
    expect(checkpoint.shape.tiedHead).toBe(true);
    expect(checkpoint.head.weight).toBe(checkpoint.embedding);
    expect(checkpoint.parameters).toBe(tensors().reduce((sum, { data }) => sum + data.length, 0) - 88);
  }
});

const LLAMA3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
const LLAMA3_SHAPE = {
  kind: 'llama3',
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalContextTokens: 8192,
};
test.each<[object, number, object]>([
  [{ rope_theta: 5e5, rope_scaling: null }, 5e5, { kind: 'none' }],
  [{ rope_scaling: { rope_type: 'default' } }, 1e4, { kind: 'none' }],
  [{ rope_scaling: { type: 'linear', factor: 4 } }, 1e4, { kind: 'linear', factor: 4 }],
  [{ rope_scaling: { rope_type: 'linear', factor: 2.5 } }, 1e4, { kind: 'linear', factor: 2.5 }],
  [{ rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...LLAMA3 } }, 5e5, LLAMA3_SHAPE],
  [{ rope_scaling: { type: 'llama3', ...LLAMA3 } }, 1e4, LLAMA3_SHAPE],
  [{ rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, ...LLAMA3 } }, 5e5, LLAMA3_SHAPE],
  [{ rope_parameters: { rope_theta: 12, rope_type: 'default' } }, 12, { kind: 'none' }],
])('rotary positions of %j are understood', async (config, theta, scaling) => {
  const { shape } = await open(config);
  const rotary = shape.specs[0]?.attention.rotary;
  expect([rotary?.theta, rotary?.scaling]).toEqual([theta, scaling]);
});

test.each(['proportional', 'mrope'])('rope scaling %s is refused by name', async (kind) => {
  await refused(
    { rope_scaling: { type: kind, factor: 2 } },
    'UNSUPPORTED_MODEL',
    `rope scaling ${kind} `,
    'linear, llama3',
  );
});

test('rope scaling that is incomplete is a bad checkpoint', async () => {
  await refused({ rope_scaling: { type: 'linear' } }, 'BAD_CHECKPOINT', 'factor');
  await refused({ rope_scaling: { type: 'linear', factor: 0 } }, 'BAD_CHECKPOINT', 'factor');
  await refused({ rope_scaling: { factor: 2 } }, 'UNSUPPORTED_MODEL', 'without a type');
  await refused(
    { rope_scaling: { rope_type: 'llama3', ...LLAMA3, low_freq_factor: 4 } },
    'BAD_CHECKPOINT',
    'low_freq_factor',
  );
});

test.each([
  [{ hidden_act: 'relu' }, 'hidden_act relu'],
  [{ model_type: 'mamba' }, 'model_type mamba (a state space) is not supported; supported: llama, mistral'],
  [{ attn_logit_softcapping: 30 }, 'attn_logit_softcapping 30 of a llama'],
  [{ sliding_window: 4096 }, 'sliding_window 4096'],
  [{ num_local_experts: 8 }, 'num_local_experts 8'],
  [{ quantization_config: { bits: 4 } }, 'quantization_config'],
  [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor'],
])('a config with %j is of a kind we do not run', async (config, part) => {
  await refused(config, 'UNSUPPORTED_MODEL', part);
});

const NUMBERS = [
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'max_position_embeddings',
];
test.each(NUMBERS)('%s must be a sane whole number', async (key) => {
  for (const value of [0, -1, 1.5, 1e9, 1e300, '8', true, [], {}]) {
    await refused({ [key]: value }, 'BAD_CHECKPOINT', key, 'config.json');
  }
});

test.each(['rms_norm_eps', 'rope_theta'])('%s must be a sane number', async (key) => {
  for (const value of [0, -1, 1e300, '8']) await refused({ [key]: value }, 'BAD_CHECKPOINT', key);
});

test.each(['NaN', 'Infinity', '-Infinity', '1e999'])(
  'a config with the number %s is refused by key',
  async (text) => {
    await write({});
    const config = JSON.stringify({ ...CONFIG, hidden_size: 0 }).replace(
      '"hidden_size":0',
      `"hidden_size": ${text}`,
    );
    writeFileSync(join(folder, 'config.json'), config);
    const opening = opened();
    await expect(opening).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
    await expect(opening).rejects.toThrow(/hidden_size is -?(NaN|Infinity)/);
  },
);

test.each(['', '{', '[]', 'null', '7', '{}'])('a config.json of %j is a bad checkpoint', async (text) => {
  await write({});
  writeFileSync(join(folder, 'config.json'), text);
  await expect(opened()).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
});

test.each(['[', '{"a":'])(
  'a config.json with 100,000 times %s in it is a bad checkpoint',
  async (opening) => {
    const closing = opening === '[' ? ']' : '}';
    const deep = `${opening.repeat(100_000)}1${closing.repeat(100_000)}`;
    for (const key of ['rope_scaling', 'alibi', 'hidden_size', 'model_type']) {
      await write({});
      const text = JSON.stringify({ ...CONFIG, [key]: 'DEEP' }).replace('"DEEP"', deep);
      writeFileSync(join(folder, 'config.json'), text);
      await expect(opened()).rejects.toThrow('nests lists and objects more than 100 deep');
    }
  },
);

test('heads that do not go together are refused', async () => {
  await refused(
    { num_key_value_heads: 3 },
    'BAD_CHECKPOINT',
    'num_attention_heads 4',
    'num_key_value_heads 3',
  );
  await refused({ head_dim: 5 }, 'BAD_CHECKPOINT', 'head_dim is 5');
  await refused(
    { head_dim: null, num_attention_heads: 3, num_key_value_heads: 1 },
    'BAD_CHECKPOINT',
    'hidden_size 8',
  );
});

test('a vocabulary that is not the embedding is refused with both', async () => {
  await refused(
    { vocab_size: 12 },
    'BAD_CHECKPOINT',
    'embed_tokens.weight is [11, 8], config.json makes it [12, 8]',
  );
});

test.each(
  tensors()
    .map(({ name }) => name)
    .filter((name) => name !== 'lm_head.weight'),
)('without %s the folder is a bad checkpoint, by name', async (missing) => {
  const opening = open(
    {},
    tensors().filter(({ name }) => name !== missing),
  );
  await expect(opening).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  await expect(opening).rejects.toThrow(missing.replace('model.embed_tokens', 'embed_tokens'));
});

test.each<[object | undefined, number[], number | undefined]>([
  [undefined, [2], 1],
  [{ eos_token_id: [7, 8] }, [7, 8, 2], 1],
  [{ eos_token_id: [2, 7] }, [2, 7], 1],
  [{ eos_token_id: 5, bos_token_id: 3 }, [5, 2], 3],
  [{ eos_token_id: null }, [2], 1],
  [{ eos_token_id: [] }, [2], 1],
])(
  'with generation_config.json %j the end tokens are %j and the begin token %j',
  async (generation, eosIds, bosId) => {
    if (generation !== undefined)
      writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(generation));
    const checkpoint = await open();
    expect([checkpoint.eosIds, checkpoint.bosId]).toEqual([eosIds, bosId]);
  },
);

test.each([{ eos_token_id: -1 }, { eos_token_id: 'two' }, { bos_token_id: 1.5 }, []])(
  'a generation_config.json of %j is refused',
  async (generation) => {
    writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(generation));
    await expect(open()).rejects.toThrow('generation_config.json');
  },
);

test('a config without token ids has no end tokens and no begin token', async () => {
  const checkpoint = await open({ eos_token_id: null, bos_token_id: undefined });
  expect([checkpoint.eosIds, checkpoint.bosId]).toEqual([[], undefined]);
});

test('the tokenizer belongs into the folder, whether it is there or not', async () => {
  expect((await open()).tokenizerFolder).toBe(folder);
});

test('the digest follows the config and the weights, and not the name', async () => {
  const first = (await open()).digest;
  const written = tensors();
  written[0]!.data[0] = 5;
  expect((await open({}, written)).digest).not.toBe(first);
  expect((await open({ rms_norm_eps: 1e-5 })).digest).not.toBe(first);
  await write({});
  expect((await opened('other')).digest).toBe(first);
});

test('a layer that is not there is a defect of the caller', async () => {
  const checkpoint = await open();
  expect(() => checkpoint.layer(2)).toThrow('layer 2');
});
