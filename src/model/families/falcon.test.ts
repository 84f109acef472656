import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MlpWeights } from '../../core/checkpoint.js';
import type { Checkpoint, LinearWeights } from '../../core/checkpoint.js';
import { openFolder } from '../open-folder.js';
import { writeSafetensors } from '../checkpoint/safetensors-writer.js';
import type { TensorToWrite } from '../checkpoint/safetensors-writer.js';

let folder = '';
let closing: Checkpoint[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-falcon-'));
});
afterEach(async () => {
  await Promise.all(closing.map((checkpoint) => checkpoint.close()));
  closing = [];
  rmSync(folder, { recursive: true });
});

const HIDDEN = 24;
const HEADS = 6;
const HEAD_DIM = 4;
const CONFIG = {
  model_type: 'falcon',
  vocab_size: 9,
  hidden_size: HIDDEN,
  num_hidden_layers: 1,
  num_attention_heads: HEADS,
};

type Layout = { kvHeads: number; norms: string[]; biases?: boolean; feedForward?: number; prefix?: string };

/** The fused rows begin with a query, key or value row's own code: part·10000 + head·100 + row in the head. */
function fusedCodes(kvHeads: number): number[] {
  const group = HEADS / kvHeads;
  const codes: number[] = [];
  const head = (part: number, index: number) => {
    for (let row = 0; row < HEAD_DIM; row++) codes.push(part * 10_000 + index * 100 + row);
  };
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
    for (let i = 0; i < group; i++) head(1, kvHead * group + i);
    head(2, kvHead);
    head(3, kvHead);
  }
  return codes;
}

function tensors({
  kvHeads,
  norms,
  biases,
  feedForward = 4 * HIDDEN,
  prefix = 'transformer.',
}: Layout): TensorToWrite[] {
  const codes = fusedCodes(kvHeads);
  const layer = `${prefix}h.0.`;
  const made: TensorToWrite[] = [];
  const add = (name: string, shape: number[], value: (index: number) => number = () => 1) => {
    const length = shape.reduce((product, size) => product * size, 1);
    made.push({ name, shape, data: Float32Array.from({ length }, (_, index) => value(index)) });
  };
  const linear = (name: string, rows: number, columns: number, value?: (row: number) => number) => {
    add(`${layer}${name}.weight`, [rows, columns], value && ((index) => value(Math.floor(index / columns))));
    if (biases) add(`${layer}${name}.bias`, [rows], value && ((row) => -value(row)));
  };
  const norm = (name: string) => ['weight', 'bias'].forEach((part) => add(`${name}.${part}`, [HIDDEN]));
  add(`${prefix}word_embeddings.weight`, [9, HIDDEN]);
  norm(`${prefix}ln_f`);
  norms.forEach((name) => norm(`${layer}${name}`));
  linear('self_attention.query_key_value', codes.length, HIDDEN, (row) => codes[row]!);
  linear('self_attention.dense', HIDDEN, HIDDEN);
  linear('mlp.dense_h_to_4h', feedForward, HIDDEN);
  linear('mlp.dense_4h_to_h', HIDDEN, feedForward);
  return made;
}

async function open(config: object, layout: Layout, drop?: string): Promise<Checkpoint> {
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...CONFIG, ...config }));
  const written = tensors(layout).filter(({ name }) => name !== drop);
  await writeSafetensors(join(folder, 'model.safetensors'), written);
  return opened();
}

async function opened(): Promise<Checkpoint> {
  const checkpoint = await openFolder(folder, { cacheFolder: join(folder, 'cache') });
  closing.push(checkpoint);
  return checkpoint;
}

const OLD = { num_attention_heads: undefined, num_hidden_layers: undefined, n_head: HEADS, n_layer: 1 };
const GROUPED_NORMS = ['ln_attn', 'ln_mlp'];
const SEQUENTIAL_NORMS = ['input_layernorm', 'post_attention_layernorm'];

/** Every generation: its config, its tensors, and the residual and norms it should have. */
const GENERATIONS: [string, object, Layout, 'parallel' | 'sequential', boolean][] = [
  [
    '7B',
    { multi_query: true, num_kv_heads: HEADS },
    { kvHeads: 1, norms: ['input_layernorm'] },
    'parallel',
    true,
  ],
  [
    '7B by old names',
    { model_type: 'RefinedWebModel', ...OLD },
    { kvHeads: 1, norms: ['input_layernorm'] },
    'parallel',
    true,
  ],
  [
    '40B',
    { new_decoder_architecture: true, num_kv_heads: 2 },
    { kvHeads: 2, norms: GROUPED_NORMS },
    'parallel',
    false,
  ],
  [
    '40B by old names',
    { model_type: 'RefinedWeb', ...OLD, n_head_kv: 3 },
    { kvHeads: 3, norms: GROUPED_NORMS },
    'parallel',
    false,
  ],
  [
    '11B',
    { new_decoder_architecture: true, num_kv_heads: 2, num_ln_in_parallel_attn: 1, ffn_hidden_size: 32 },
    { kvHeads: 2, norms: ['input_layernorm'], feedForward: 32 },
    'parallel',
    true,
  ],
  [
    'one KV head in groups',
    { new_decoder_architecture: true, num_kv_heads: 1 },
    { kvHeads: 1, norms: GROUPED_NORMS },
    'parallel',
    false,
  ],
  ['the oldest', { multi_query: false }, { kvHeads: HEADS, norms: ['input_layernorm'] }, 'parallel', true],
  ['sequential', { parallel_attn: false }, { kvHeads: 1, norms: SEQUENTIAL_NORMS }, 'sequential', false],
  [
    'sequential with biases',
    { parallel_attn: false, multi_query: false, bias: true },
    { kvHeads: HEADS, norms: SEQUENTIAL_NORMS, biases: true },
    'sequential',
    false,
  ],
  [
    '40B with biases, without prefix',
    { new_decoder_architecture: true, num_kv_heads: 2, bias: true },
    { kvHeads: 2, norms: GROUPED_NORMS, biases: true, prefix: '' },
    'parallel',
    false,
  ],
];

test.each(GENERATIONS)('%s: shape, norms and fused rows', async (_, config, layout, residual, sharedNorm) => {
  const checkpoint = await open(config, layout);
  const { shape } = checkpoint;
  const [spec] = shape.specs;
  expect([shape.kvHeads, shape.headDim, spec?.residual, spec?.sharesNorm]).toEqual([
    layout.kvHeads,
    HEAD_DIM,
    residual,
    sharedNorm,
  ]);
  expect([shape.feedForward, shape.tiedHead, shape.contextTokens]).toEqual([
    layout.feedForward ?? 96,
    true,
    2048,
  ]);
  const { q, k, v, mlpNorm, mlp } = checkpoint.layer(0);
  const { gate, up } = mlp as MlpWeights;
  expect([mlpNorm === undefined, gate]).toEqual([sharedNorm, undefined]);
  expect(up.bias === undefined).toBe(layout.biases !== true);
  await checkRows(q, 1, HEADS);
  await checkRows(k, 2, layout.kvHeads);
  await checkRows(v, 3, layout.kvHeads);
  const size = tensors(layout).reduce((sum, { data }) => sum + data.length, 0);
  expect(checkpoint.parameters).toBe(size);
});

/** Rows in the order of heads, by the codes that fusedCodes gave them. */
async function checkRows({ weight, bias }: LinearWeights, part: number, heads: number): Promise<void> {
  expect([weight.rows, weight.columns]).toEqual([heads * HEAD_DIM, HIDDEN]);
  const codes = Array.from(
    { length: weight.rows },
    (_, row) => part * 10_000 + Math.floor(row / HEAD_DIM) * 100 + (row % HEAD_DIM),
  );
  const values = await weight.read(0, weight.rows);
  expect(codes.map((_, row) => values[row * HIDDEN + 3])).toEqual(codes);
  const middle = await weight.read(1, weight.rows - 1);
  expect(middle).toEqual(values.slice(HIDDEN, values.length - HIDDEN));
  if (bias !== undefined) {
    expect([bias.rows, bias.columns]).toEqual([1, codes.length]);
    expect([...(await bias.read(0, 1))]).toEqual(codes.map((code) => -code));
  }
}

const PLAIN: Layout = { kvHeads: 1, norms: ['input_layernorm'] };

test('with alibi, distance takes the place of rotary positions, scaled as scores are', async () => {
  const { shape } = await open({ alibi: true, rope_theta: 10_000 }, PLAIN);
  const { rotary, scale, alibiScale } = shape.specs[0]?.attention ?? {};
  expect([rotary, scale, alibiScale]).toEqual([undefined, 1 / Math.sqrt(HEAD_DIM), 1 / Math.sqrt(HEAD_DIM)]);
  const plain = await open({}, PLAIN);
  expect(plain.shape.specs[0]?.attention).toMatchObject({ rotary: { dims: HEAD_DIM } });
  expect(plain.shape.specs[0]?.attention.alibiScale).toBeUndefined();
});

test.each([
  [{ activation: 'relu' }, 'activation relu'],
  [
    { new_decoder_architecture: true, parallel_attn: false },
    'new_decoder_architecture without parallel_attn',
  ],
  [{ rope_scaling: { type: 'mrope', factor: 2 } }, 'rope scaling mrope'],
])('a Falcon with %j is of a kind we do not run', async (config, part) => {
  const opening = open(config, PLAIN);
  await expect(opening).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' });
  await expect(opening).rejects.toThrow(part);
});

test.each([
  [{ num_attention_heads: undefined }, 'num_attention_heads is missing'],
  [{ num_hidden_layers: undefined }, 'num_hidden_layers is missing'],
  [{ num_hidden_layers: 0 }, 'num_hidden_layers is 0'],
  [{ num_attention_heads: 5 }, 'hidden_size 24 can not be split into num_attention_heads 5'],
  [{ num_attention_heads: 8 }, 'head_dim is 3'],
  [
    { new_decoder_architecture: true, num_kv_heads: 4 },
    'num_attention_heads 6 can not share num_key_value_heads 4',
  ],
  [{ ffn_hidden_size: -1 }, 'ffn_hidden_size'],
  [{ num_ln_in_parallel_attn: 3 }, 'num_ln_in_parallel_attn'],
  [{ bias: true }, 'query_key_value.bias'],
  [{ new_decoder_architecture: true, num_kv_heads: 1 }, 'ln_attn.weight'],
  [{ parallel_attn: false }, 'post_attention_layernorm.weight'],
  [{ multi_query: false }, 'query_key_value.weight is [32, 24], config.json makes it [72, 24]'],
])('a Falcon with %j is a bad checkpoint that says why', async (config, part) => {
  const opening = open(config, PLAIN);
  await expect(opening).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  await expect(opening).rejects.toThrow(part);
});

test.each(tensors(PLAIN).map(({ name }) => name))(
  'without %s the folder is a bad checkpoint',
  async (missing) => {
    await expect(open({}, PLAIN, missing)).rejects.toThrow(missing.replace('transformer.word', 'word'));
  },
);
