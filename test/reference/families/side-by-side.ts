/**
 * Families whose attention and MLP run side by side, or that have layer norms: Phi, Cohere, StableLM, StarCoder 2, GPT-NeoX,
 * Falcon, and GLM 4.
 */
import type { LayerSpec } from '../../../src/core/layers/layer-spec.js';
import type { Random } from '../random.js';
import { type Draw, drawPositions, drawSizes, layerWith } from './draw.js';
import type { Drawn } from './drawn-model.js';
import { BEFORE, denseOf, llamaNames, type Outer, USUAL, type Write, writeAttention, writeMlp, writeNorms } from './layout.js'; // prettier-ignore
import { eachLayer, gateUpNames, local, usualKeys } from './llama-like.js';

const SHARED = { residual: 'parallel', sharesNorm: true } as const;
const ONE_NORM = ['input_layernorm'];

/** Sizes and the epsilon under the name that these families have for it. */
function layerKeys(draw: Draw, epsilon = 'layer_norm_eps'): object {
  const { rms_norm_eps: value, ...keys } = usualKeys(draw) as Record<string, unknown>;
  return { ...keys, [epsilon]: value };
}

const layerShape = ({ shape }: Draw, specs: LayerSpec[]) => ({ ...shape, norm: 'layer', specs }) as const;

/** Shares of a head whose dimensions are even. */
function shareOf({ random, shape }: Draw, shares: readonly number[]): number {
  const even = shares.filter((share) => {
    const dims = Math.trunc(shape.headDim * share);
    return dims >= 2 && dims % 2 === 0;
  });
  return random.pick(even);
}

/** The norms, attention, and a plain MLP of these two names. */
function plainNames(up: string, down: string, output = 'o_proj', norms: readonly string[] = BEFORE): Write {
  return async (layer, tensors, at) => {
    await writeNorms(layer, tensors, at, norms);
    for (const role of ['q', 'k', 'v'] as const)
      await tensors.linear(`${at}self_attn.${role}_proj`, layer[role]);
    await tensors.linear(`${at}self_attn.${output}`, layer.o);
    await tensors.linear(`${at}mlp.${up}`, denseOf(layer.mlp).up);
    await tensors.linear(`${at}mlp.${down}`, denseOf(layer.mlp).down);
  };
}

export function phi(random: Random): Drawn {
  const drawn = drawSizes(random, {});
  const draw = { ...drawn, shape: { ...drawn.shape, tiedHead: false } };
  const share = shareOf(draw, [0.4, 0.5, 1]);
  const { rotary, config } = drawPositions(draw, { share });
  const mlp = { kind: 'plain', activation: 'gelu-tanh' } as const;
  return {
    config: { model_type: 'phi', ...layerKeys(draw), ...config, partial_rotary_factor: share, hidden_act: 'gelu_new' },
    shape: layerShape(draw, [layerWith(draw, rotary, { ...SHARED, mlp })]),
    biases: ['qkv', 'o', 'mlp', 'norms', 'head'],
    outer: { ...USUAL, finalNorm: 'final_layernorm' },
    write: plainNames('fc1', 'fc2', 'dense', ONE_NORM),
  };
} // prettier-ignore

export function cohere(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const { rotary, config } = drawPositions(draw, { pairs: 'neighbours' });
  const [hasNorms, logitScale] = [draw.isLikely(0.5), random.pick([0.0625, 0.8])];
  const spec = layerWith(draw, rotary, SHARED);
  const queryKeyNorm = hasNorms ? 'head' : 'none';
  return {
    config: { model_type: 'cohere', ...layerKeys(draw), ...config, logit_scale: logitScale, use_qk_norm: hasNorms },
    shape: {
      ...layerShape(draw, [{ ...spec, attention: { ...spec.attention, queryKeyNorm } }]),
      logitScale,
    },
    normsEachHead: true,
    write: async (layer, tensors, at) => {
      const { qNorm, kNorm, ...rest } = layer;
      await writeNorms(rest, tensors, at, ONE_NORM);
      await writeAttention(rest, tensors, at);
      await writeMlp(rest, tensors, at);
      const [heads, kvHeads] = [qNorm, kNorm].map((norm) => (norm?.weight.columns ?? 0) / draw.shape.headDim);
      await tensors.norm(`${at}self_attn.q_norm`, qNorm, [heads ?? 0, draw.shape.headDim]);
      await tensors.norm(`${at}self_attn.k_norm`, kNorm, [kvHeads ?? 0, draw.shape.headDim]);
    },
  };
} // prettier-ignore

export function cohere2(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true, layers: 4 });
  const { rotary, config } = drawPositions(draw, { pairs: 'neighbours' });
  const [window, pattern] = [random.pick([3, 13]), random.pick([2, 4])];
  const turned = local(layerWith(draw, rotary, SHARED), window);
  const unturned = layerWith(draw, undefined, SHARED);
  return {
    config: {
      model_type: 'cohere2',
      ...layerKeys(draw),
      ...config,
      logit_scale: 0.25,
      sliding_window: window,
      sliding_window_pattern: pattern,
    },
    shape: {
      ...layerShape(draw, eachLayer(draw, (layer) => ((layer + 1) % pattern === 0 ? unturned : turned))),
      logitScale: 0.25,
    },
    write: llamaNames(ONE_NORM),
  };
} // prettier-ignore

export function stablelm(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const share = shareOf(draw, [0.25, 0.5]);
  const { rotary, config } = drawPositions(draw, { share });
  const [biased, normed, parallel] = [draw.isLikely(0.5), draw.isLikely(0.5), draw.isLikely(0.5)];
  const spec = layerWith(draw, rotary, parallel ? SHARED : {});
  const queryKeyNorm = normed ? 'head' : 'none';
  const flags = { use_qkv_bias: biased, qk_layernorm: normed, use_parallel_residual: parallel };
  return {
    config: { model_type: 'stablelm', ...layerKeys(draw), ...config, partial_rotary_factor: share, ...flags },
    shape: layerShape(draw, [{ ...spec, attention: { ...spec.attention, queryKeyNorm } }]),
    biases: ['norms', ...(biased ? (['qkv'] as const) : [])],
    normsEachHead: true,
    write: async (layer, tensors, at) => {
      const { qNorm, kNorm, ...rest } = layer;
      await llamaNames(parallel ? ONE_NORM : BEFORE)(rest, tensors, at);
      for (const [name, norm] of [['q', qNorm], ['k', kNorm]] as const) {
        const weights = (await norm?.weight.read(0, 1)) ?? new Float32Array();
        for (let head = 0; head * draw.shape.headDim < weights.length; head++)
          tensors.all.push({
            name: `${at}self_attn.${name}_layernorm.norms.${head}.weight`,
            shape: [draw.shape.headDim],
            data: weights.slice(head * draw.shape.headDim, (head + 1) * draw.shape.headDim),
          });
      }
    },
  };
} // prettier-ignore

export function starcoder2(random: Random): Drawn {
  const drawn = drawSizes(random, {});
  const draw = { ...drawn, shape: { ...drawn.shape, tiedHead: true } };
  const { rotary, config } = drawPositions(draw);
  const [window, biased] = [random.pick([undefined, 3, 13]), draw.isLikely(0.5)];
  const mlp = { kind: 'plain', activation: 'gelu-tanh' } as const;
  const { tie_word_embeddings: _tied, ...keys } = layerKeys(draw, 'norm_epsilon') as Record<string, unknown>;
  return {
    config: {
      model_type: 'starcoder2',
      ...keys,
      ...config,
      sliding_window: window ?? null,
      use_bias: biased,
    },
    shape: layerShape(draw, [local(layerWith(draw, rotary, { mlp }), window)]),
    biases: ['norms', ...(biased ? (['qkv', 'o', 'mlp'] as const) : [])],
    write: plainNames('c_fc', 'c_proj'),
  };
}

const OLD_MLP = ['dense_h_to_4h', 'dense_4h_to_h'] as const;
const NEOX: Outer = { root: 'gpt_neox.', embedding: 'embed_in', finalNorm: 'final_layer_norm', layers: 'layers', head: 'embed_out' }; // prettier-ignore

export function gptNeox(random: Random): Drawn {
  const draw = drawSizes(random, { kvHeads: 'all' });
  const share = shareOf(draw, [0.25, 0.5, 1]);
  const { rotary, config } = drawPositions(draw, { share });
  const parallel = draw.isLikely(0.5);
  const mlp = { kind: 'plain', activation: 'gelu' } as const;
  const { num_key_value_heads: _all, ...keys } = layerKeys(draw) as Record<string, unknown>;
  return {
    config: { model_type: 'gpt_neox', ...keys, ...config, rotary_pct: share, use_parallel_residual: parallel },
    shape: layerShape(draw, [layerWith(draw, rotary, { mlp, residual: parallel ? 'parallel' : 'sequential' })]),
    biases: ['qkv', 'o', 'mlp', 'norms'],
    outer: NEOX,
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, BEFORE);
      await tensors.interleaved(`${at}attention.query_key_value`, [layer.q, layer.k, layer.v], draw.shape.heads);
      await tensors.linear(`${at}attention.dense`, layer.o);
      await tensors.linear(`${at}mlp.${OLD_MLP[0]}`, denseOf(layer.mlp).up);
      await tensors.linear(`${at}mlp.${OLD_MLP[1]}`, denseOf(layer.mlp).down);
    },
  };
} // prettier-ignore

const FALCON: Outer = { root: 'transformer.', embedding: 'word_embeddings', finalNorm: 'ln_f', layers: 'h', head: 'lm_head' }; // prettier-ignore

/** 7B: one KV head and one norm. 40B: groups and two norms, 11B: groups and one. RW: ALiBi, a sequential residual. */
export function falcon(random: Random): Drawn {
  const kind = random.pick(['7b', '40b', '11b', 'rw'] as const);
  const isGrouped = kind === '40b' || kind === '11b';
  const draw = drawSizes(random, { kvHeads: isGrouped ? 'any' : kind === 'rw' ? 'all' : 'one' });
  const { rotary, config } = drawPositions(draw);
  const spec = layerWith(draw, kind === 'rw' ? undefined : rotary, {
    mlp: { kind: 'plain', activation: 'gelu' },
    residual: kind === 'rw' ? 'sequential' : 'parallel',
    sharesNorm: kind === '7b' || kind === '11b',
  });
  const alibiScale = draw.shape.headDim ** -0.5;
  const norms = kind === '40b' ? ['ln_attn', 'ln_mlp'] : kind === 'rw' ? BEFORE : ONE_NORM;
  const { intermediate_size: wide, num_key_value_heads: kvHeads, ...keys } = layerKeys(draw, 'layer_norm_epsilon') as Record<string, unknown>;
  return {
    config: {
      model_type: 'falcon', ...keys, ...config, ffn_hidden_size: wide, num_kv_heads: kvHeads, alibi: kind === 'rw', bias: kind === 'rw',
      multi_query: kind === '7b', parallel_attn: kind !== 'rw', new_decoder_architecture: isGrouped,
      num_ln_in_parallel_attn: kind === '11b' ? 1 : null,
    },
    shape: layerShape(draw, [kind === 'rw' ? { ...spec, attention: { ...spec.attention, alibiScale } } : spec]),
    biases: ['norms', ...(kind === 'rw' ? (['qkv', 'o', 'mlp'] as const) : [])],
    outer: FALCON,
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, norms);
      await tensors.interleaved(`${at}self_attention.query_key_value`, [layer.q, layer.k, layer.v], draw.shape.kvHeads);
      await tensors.linear(`${at}self_attention.dense`, layer.o);
      await tensors.linear(`${at}mlp.${OLD_MLP[0]}`, denseOf(layer.mlp).up);
      await tensors.linear(`${at}mlp.${OLD_MLP[1]}`, denseOf(layer.mlp).down);
    },
  };
} // prettier-ignore

export function glm4(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const share = shareOf(draw, [0.5, 1]);
  const { rotary, config } = drawPositions(draw, { share, pairs: 'neighbours' });
  const biased = draw.isLikely(0.5);
  const norms = ['input_layernorm', 'post_attention_layernorm', 'post_self_attn_layernorm', 'post_mlp_layernorm'];
  return {
    config: { model_type: 'glm4', ...usualKeys(draw), ...config, partial_rotary_factor: share, attention_bias: biased },
    shape: { ...draw.shape, specs: [layerWith(draw, rotary, { norms: 'around' })] },
    biases: biased ? ['qkv'] : [],
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, norms);
      await writeAttention(layer, tensors, at);
      await gateUpNames(layer, tensors, at);
    },
  };
} // prettier-ignore
