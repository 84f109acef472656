/**
 * Families with experts: Mixtral, Qwen 3 MoE, gpt-oss.
 */
import type { LinearWeights } from '../../../src/core/checkpoint.js';
import type { ExpertsSpec } from '../../../src/core/layers/layer-spec.js';
import type { Random } from '../random.js';
import { drawPositions, drawSizes, layerWith } from './draw.js';
import type { Drawn } from './drawn-model.js';
import {
  BEFORE,
  expertsOf,
  type TensorList,
  type Write,
  writeAttention,
  writeMlp,
  writeNorms,
} from './layout.js';
import { eachLayer, local, qwenWindows, usualKeys } from './llama-like.js';

/** An expert's gate, up and down under names behind its number. */
function expertNames(root: string, router: string, names: readonly [string, string, string]): Write {
  return async ({ mlp }, tensors, at) => {
    await tensors.linear(`${at}${router}`, expertsOf(mlp).router);
    for (const [index, { gate, up, down }] of expertsOf(mlp).experts.entries())
      for (const [place, each] of [gate, up, down].entries())
        await tensors.linear(`${at}${root}.${index}.${names[place]}`, each);
  };
}

export function mixtral(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const { rotary, config } = drawPositions(draw);
  const [count, chosen] = [random.pick([3, 5]), random.pick([1, 2, 3])];
  const window = random.pick([undefined, 13]);
  const mlp: ExpertsSpec = {
    kind: 'experts',
    count,
    chosen,
    feedForward: draw.shape.feedForward,
    softmaxOver: 'chosen',
    activation: { kind: 'silu' },
  };
  const writeExperts = expertNames('block_sparse_moe.experts', 'block_sparse_moe.gate', ['w1', 'w3', 'w2']);
  return {
    config: {
      model_type: 'mixtral',
      ...usualKeys(draw),
      ...config,
      num_local_experts: count,
      num_experts_per_tok: chosen,
      sliding_window: window ?? null,
    },
    shape: { ...draw.shape, specs: [local({ ...layerWith(draw, rotary), mlp }, window)] },
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, BEFORE);
      await writeAttention(layer, tensors, at);
      await writeExperts(layer, tensors, at);
    },
  };
}

export function qwen3Moe(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true, layers: 4 });
  const { rotary, config } = drawPositions(draw);
  const spec = layerWith(draw, rotary);
  const windows = qwenWindows(draw, { ...spec, attention: { ...spec.attention, queryKeyNorm: 'head' } });
  const [isNormalised, width] = [draw.isLikely(0.5), random.pick([24, 40])];
  const mlp: ExpertsSpec = {
    kind: 'experts',
    count: 6,
    chosen: 3,
    feedForward: width,
    softmaxOver: isNormalised ? 'chosen' : 'all',
    activation: { kind: 'silu' },
  };
  const [step, dense] = random.pick([
    [1, [2]],
    [2, []],
  ] as const);
  const hasExperts = (layer: number): boolean =>
    (layer + 1) % step === 0 && !(dense as readonly number[]).includes(layer);
  const writeExperts = expertNames('mlp.experts', 'mlp.gate', ['gate_proj', 'up_proj', 'down_proj']);
  return {
    config: {
      model_type: 'qwen3_moe',
      ...usualKeys(draw),
      ...config,
      ...windows.config,
      num_experts: 6,
      num_experts_per_tok: 3,
      norm_topk_prob: isNormalised,
      moe_intermediate_size: width,
      decoder_sparse_step: step,
      mlp_only_layers: dense,
    },
    shape: {
      ...draw.shape,
      specs: windows.specs.map((each, layer) => (hasExperts(layer) ? { ...each, mlp } : each)),
    },
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, BEFORE);
      await writeAttention(layer, tensors, at);
      await (layer.mlp.kind === 'experts' ? writeExperts : writeMlp)(layer, tensors, at);
    },
  };
}

export function gptOss(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const { rotary, config } = drawPositions(draw);
  const window = random.pick([3, 13]);
  const mlp: ExpertsSpec = {
    kind: 'experts',
    count: 4,
    chosen: 2,
    feedForward: draw.shape.feedForward,
    softmaxOver: 'chosen',
    activation: { kind: 'clamped', limit: 1.5 },
  };
  const plain = { ...layerWith(draw, rotary), mlp };
  const spec = { ...plain, attention: { ...plain.attention, hasSinks: true } };
  return {
    config: {
      model_type: 'gpt_oss',
      ...usualKeys(draw),
      ...config,
      num_local_experts: 4,
      num_experts_per_tok: 2,
      swiglu_limit: 1.5,
      sliding_window: window,
      attention_bias: true,
    },
    shape: {
      ...draw.shape,
      specs: eachLayer(draw, (layer) => local(spec, layer % 2 === 0 ? window : undefined)),
    },
    biases: ['qkv', 'o', 'mlp', 'router'],
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, BEFORE);
      await writeAttention(layer, tensors, at);
      const { router, experts } = expertsOf(layer.mlp);
      await tensors.linear(`${at}mlp.router`, router);
      const pairs = experts.map(({ gate, up }) => [gate, up]);
      await stacked(tensors, `${at}mlp.experts.gate_up_proj`, pairs);
      await stacked(tensors, `${at}mlp.experts.down_proj`, experts.map(({ down }) => [down])); // prettier-ignore
    },
  };
}

/** [experts, in, out·parts], the parts' outputs by turns, and their biases [experts, out·parts]. */
async function stacked(
  tensors: TensorList,
  name: string,
  experts: readonly (readonly LinearWeights[])[],
): Promise<void> {
  const first = experts[0]?.[0]?.weight ?? { rows: 0, columns: 0 };
  const [width, parts] = [first.rows, experts[0]?.length ?? 0];
  const values: number[] = [];
  const biases: number[] = [];
  for (const expert of experts) {
    const weights = await Promise.all(expert.map(({ weight }) => weight.read(0, width)));
    const own = await Promise.all(expert.map(async ({ bias }) => (await bias?.read(0, 1)) ?? []));
    for (let column = 0; column < first.columns; column++)
      for (let row = 0; row < width; row++)
        for (const weight of weights) values.push(weight[row * first.columns + column] ?? NaN);
    for (let row = 0; row < width; row++) for (const bias of own) biases.push(bias[row] ?? NaN);
  }
  const shape = [experts.length, first.columns, parts * width];
  tensors.all.push({ name, shape, data: Float32Array.from(values) });
  tensors.all.push({
    name: `${name}_bias`,
    shape: [experts.length, parts * width],
    data: Float32Array.from(biases),
  });
}
