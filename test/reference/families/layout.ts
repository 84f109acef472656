/**
 * Tensors of a checkpoint in memory under the names and in the orders that a family's files have, by rules written apart from
 * the product's: gives what is to be written into a safetensors file.
 */
import type {
  Checkpoint,
  ExpertsWeights,
  LayerWeights,
  LinearWeights,
  MlpWeights,
  NormWeights,
  WeightMatrix,
} from '../../../src/core/checkpoint.js';
import type { TensorToWrite } from '../../../src/model/checkpoint/safetensors-writer.js';

export type Write = (layer: LayerWeights, tensors: TensorList, prefix: string) => Promise<void>;

/** Tensors as they are added. */
export class TensorList {
  readonly all: TensorToWrite[] = [];
  /** What a norm's file has less than the norm. */
  readonly normOffset: number;

  constructor(normOffset = 0) {
    this.normOffset = normOffset;
  }

  async matrix(name: string, weight: WeightMatrix, shape = [weight.rows, weight.columns]): Promise<void> {
    this.all.push({ name, shape, data: await weight.read(0, weight.rows) });
  }

  async linear(name: string, { weight, bias }: LinearWeights): Promise<void> {
    await this.matrix(`${name}.weight`, weight);
    if (bias) await this.matrix(`${name}.bias`, bias, [bias.columns]);
  }

  async norm(name: string, norm: NormWeights | undefined, shape?: number[]): Promise<void> {
    if (!norm) return;
    const data = (await norm.weight.read(0, 1)).map((value) => value - this.normOffset);
    this.all.push({ name: `${name}.weight`, shape: shape ?? [data.length], data });
    if (norm.bias) await this.matrix(`${name}.bias`, norm.bias, [norm.bias.columns]);
  }

  /** Several linear layers in one tensor, some rows of each in turn. */
  async interleaved(name: string, parts: readonly LinearWeights[], groups: number): Promise<void> {
    const columns = parts[0]?.weight.columns ?? 0;
    const weights = await Promise.all(parts.map(({ weight }) => weight.read(0, weight.rows)));
    const rows = parts.reduce((sum, { weight }) => sum + weight.rows, 0);
    this.all.push({ name: `${name}.weight`, shape: [rows, columns], data: dealt(weights, groups) });
    const biases = await Promise.all(parts.flatMap(({ bias }) => (bias ? [bias.read(0, 1)] : [])));
    if (biases.length > 0)
      this.all.push({ name: `${name}.bias`, shape: [rows], data: dealt(biases, groups) });
  }
}

/** Each part cut into `groups`; the first of every part, then the second of every part, and so on. */
function dealt(parts: readonly Float32Array[], groups: number): Float32Array {
  const values: number[] = [];
  for (let group = 0; group < groups; group++)
    for (const part of parts) {
      const size = part.length / groups;
      values.push(...part.subarray(group * size, (group + 1) * size));
    }
  return Float32Array.from(values);
}

export type Outer = {
  readonly root: string;
  readonly embedding: string;
  readonly finalNorm: string;
  readonly layers: string;
  readonly head: string;
};
export const USUAL: Outer = {
  root: 'model.',
  embedding: 'embed_tokens',
  finalNorm: 'norm',
  layers: 'layers',
  head: 'lm_head',
};

export async function tensorsOf(
  checkpoint: Checkpoint,
  write: Write,
  { outer = USUAL, normOffset = 0 }: { readonly outer?: Outer; readonly normOffset?: number } = {},
): Promise<TensorToWrite[]> {
  const tensors = new TensorList(normOffset);
  await tensors.matrix(`${outer.root}${outer.embedding}.weight`, checkpoint.embedding);
  await tensors.norm(`${outer.root}${outer.finalNorm}`, checkpoint.finalNorm);
  if (!checkpoint.shape.tiedHead) await tensors.linear(outer.head, checkpoint.head);
  for (let layer = 0; layer < checkpoint.shape.layers; layer++)
    await write(checkpoint.layer(layer), tensors, `${outer.root}${outer.layers}.${layer}.`);
  return tensors.all;
}

export async function writeAttention(layer: LayerWeights, tensors: TensorList, at: string): Promise<void> {
  for (const role of ['q', 'k', 'v', 'o'] as const)
    await tensors.linear(`${at}self_attn.${role}_proj`, layer[role]);
  await tensors.norm(`${at}self_attn.q_norm`, layer.qNorm);
  await tensors.norm(`${at}self_attn.k_norm`, layer.kNorm);
  if (layer.sinks) await tensors.matrix(`${at}self_attn.sinks`, layer.sinks, [layer.sinks.columns]);
}

export async function writeMlp({ mlp }: LayerWeights, tensors: TensorList, at: string): Promise<void> {
  const { gate, up, down } = denseOf(mlp);
  if (gate) await tensors.linear(`${at}mlp.gate_proj`, gate);
  await tensors.linear(`${at}mlp.up_proj`, up);
  await tensors.linear(`${at}mlp.down_proj`, down);
}

/** Llama's names, with these for norms: before attention, before the MLP, behind attention, behind the MLP. */
export function llamaNames(norms: readonly (string | undefined)[] = BEFORE): Write {
  return async (layer, tensors, at) => {
    await writeNorms(layer, tensors, at, norms);
    await writeAttention(layer, tensors, at);
    await writeMlp(layer, tensors, at);
  };
}

export const BEFORE = ['input_layernorm', 'post_attention_layernorm'];
export const AROUND = [
  'input_layernorm',
  'pre_feedforward_layernorm',
  'post_attention_layernorm',
  'post_feedforward_layernorm',
];

export async function writeNorms(
  layer: LayerWeights,
  tensors: TensorList,
  at: string,
  names: readonly (string | undefined)[],
): Promise<void> {
  const norms = [layer.attentionNorm, layer.mlpNorm, layer.attentionOutputNorm, layer.mlpOutputNorm];
  for (const [place, norm] of norms.entries()) await tensors.norm(`${at}${names[place] ?? ''}`, norm);
}

export function denseOf(mlp: LayerWeights['mlp']): MlpWeights {
  if (mlp.kind !== 'dense') throw new Error('this layer has experts');
  return mlp;
}

export function expertsOf(mlp: LayerWeights['mlp']): ExpertsWeights {
  if (mlp.kind !== 'experts') throw new Error('this layer has no experts');
  return mlp;
}
