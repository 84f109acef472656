/**
 * Reads the two reference cases of the tests, trusted folders of one f32 model.safetensors each, as Checkpoints.
 * Deliberately apart from the product's reader, so that neither can hide the other's mistake.
 */
import { readFileSync } from 'node:fs';
import type { Checkpoint, LayerWeights, WeightMatrix } from '../../src/core/checkpoint.js';
import { plainLayer } from '../../src/core/layers/layer-spec.js';
import type { ModelShape } from '../../src/core/shape.js';
import { memoryMatrix } from './random-checkpoint.js';

type Config = Record<string, unknown> & { model_type: string };
type TensorOf = (name: string, rows?: readonly [number, number]) => WeightMatrix;

export function readReferenceCheckpoint(folder: string): Checkpoint {
  const config = JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')) as Config;
  const tensors = readTensors(`${folder}/model.safetensors`);
  const shape = config.model_type === 'falcon' ? falconShape(config) : llamaShape(config);
  const falcon = shape.architecture === 'falcon';
  const embedding = tensors(falcon ? 'transformer.word_embeddings.weight' : 'model.embed_tokens.weight');
  return {
    name: folder,
    shape,
    digest: '',
    parameters: 0,
    eosIds: [],
    bosId: 1,
    tokenizerFolder: folder,
    embedding,
    finalNorm: falcon
      ? { weight: tensors('transformer.ln_f.weight'), bias: tensors('transformer.ln_f.bias') }
      : { weight: tensors('model.norm.weight') },
    head: { weight: shape.tiedHead ? embedding : tensors('lm_head.weight') },
    layer: (index) => (falcon ? falconLayer(shape, tensors, index) : llamaLayer(tensors, index)),
    close: () => Promise.resolve(),
  };
}

/** f32 tensors by name; a vector is one row; `rows` selects a run of a matrix's rows. */
function readTensors(path: string): TensorOf {
  const bytes = readFileSync(path);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return (name, run) => {
    const entry = header[name];
    if (!entry) throw new Error(`${path} has no tensor ${name}`);
    const columns = entry.shape.at(-1)!;
    const [start, end] = run ?? [0, entry.shape.length === 1 ? 1 : entry.shape[0]!];
    const from = bytes.byteOffset + 8 + headerBytes + entry.data_offsets[0] + 4 * start * columns;
    const data = new Float32Array(bytes.buffer.slice(from, from + 4 * (end - start) * columns));
    return memoryMatrix(end - start, columns, data);
  };
}

function llamaShape(config: Config): ModelShape {
  const number = (key: string): number => config[key] as number;
  return {
    architecture: 'llama',
    layers: number('num_hidden_layers'),
    hidden: number('hidden_size'),
    heads: number('num_attention_heads'),
    kvHeads: number('num_key_value_heads'),
    headDim: number('head_dim'),
    feedForward: number('intermediate_size'),
    vocabulary: number('vocab_size'),
    contextTokens: number('max_position_embeddings'),
    norm: 'rms',
    normEpsilon: number('rms_norm_eps'),
    specs: [plainLayer(number('head_dim'), number('rope_theta'))],
    embeddingScale: 1,
    logitScale: 1,
    tiedHead: config['tie_word_embeddings'] === true,
  };
}

function llamaLayer(tensors: TensorOf, index: number): LayerWeights {
  const linear = (name: string) => ({ weight: tensors(`model.layers.${index}.${name}.weight`) });
  return {
    attentionNorm: linear('input_layernorm'),
    mlpNorm: linear('post_attention_layernorm'),
    q: linear('self_attn.q_proj'),
    k: linear('self_attn.k_proj'),
    v: linear('self_attn.v_proj'),
    o: linear('self_attn.o_proj'),
    mlp: {
      kind: 'dense',
      gate: linear('mlp.gate_proj'),
      up: linear('mlp.up_proj'),
      down: linear('mlp.down_proj'),
    },
  };
}

/** Falcon 7B's layout: one KV head, attention and MLP in parallel behind one norm. */
function falconShape(config: Config): ModelShape {
  const number = (key: string): number => config[key] as number;
  const headDim = number('hidden_size') / number('num_attention_heads');
  return {
    architecture: 'falcon',
    layers: number('num_hidden_layers'),
    hidden: number('hidden_size'),
    heads: number('num_attention_heads'),
    kvHeads: number('num_kv_heads'),
    headDim,
    feedForward: number('ffn_hidden_size'),
    vocabulary: number('vocab_size'),
    contextTokens: number('max_position_embeddings'),
    norm: 'layer',
    normEpsilon: number('layer_norm_epsilon'),
    specs: [
      {
        ...plainLayer(headDim, number('rope_theta')),
        residual: 'parallel',
        sharesNorm: true,
        mlp: { kind: 'plain', activation: 'gelu' },
      },
    ],
    embeddingScale: 1,
    logitScale: 1,
    tiedHead: true,
  };
}

/** The fused projection's rows: all query heads, then the key head, then the value head. */
function falconLayer({ heads, headDim }: ModelShape, tensors: TensorOf, index: number): LayerWeights {
  const at = (name: string): string => `transformer.h.${index}.${name}`;
  const fused = (start: number, end: number) => ({
    weight: tensors(at('self_attention.query_key_value.weight'), [start * headDim, end * headDim]),
  });
  return {
    attentionNorm: {
      weight: tensors(at('input_layernorm.weight')),
      bias: tensors(at('input_layernorm.bias')),
    },
    q: fused(0, heads),
    k: fused(heads, heads + 1),
    v: fused(heads + 1, heads + 2),
    o: { weight: tensors(at('self_attention.dense.weight')) },
    mlp: {
      kind: 'dense',
      up: { weight: tensors(at('mlp.dense_h_to_4h.weight')) },
      down: { weight: tensors(at('mlp.dense_4h_to_h.weight')) },
    },
  };
}
