/**
 * Families whose layers are Llama's but for a few points: Llama, Mistral, Qwen 2 and 3, Phi 3, SmolLM 3, Granite, OLMo 2.
 */
import type { LayerSpec } from '../../../src/core/layers/layer-spec.js';
import type { Random } from '../random.js';
import { type Draw, drawPositions, drawSizes, layerWith } from './draw.js';
import type { Drawn } from './drawn-model.js';
import { BEFORE, denseOf, llamaNames, type Write, writeNorms } from './layout.js';

/** The layer with a window of so many tokens, or none. */
export function local(spec: LayerSpec, windowTokens: number | undefined): LayerSpec {
  return windowTokens === undefined ? spec : { ...spec, attention: { ...spec.attention, windowTokens } };
}

export function usualKeys({ shape, sizes }: Draw): object {
  return { ...sizes, rms_norm_eps: shape.normEpsilon, tie_word_embeddings: shape.tiedHead };
}

export const eachLayer = (draw: Draw, make: (layer: number) => LayerSpec): LayerSpec[] =>
  Array.from({ length: draw.shape.layers }, (_, layer) => make(layer));

export function llama(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const { rotary, config } = drawPositions(draw);
  const [attention, mlp] = [draw.isLikely(0.5), draw.isLikely(0.5)];
  return {
    config: { model_type: 'llama', ...usualKeys(draw), ...config, attention_bias: attention, mlp_bias: mlp },
    shape: { ...draw.shape, specs: [layerWith(draw, rotary)] },
    biases: [...(attention ? (['qkv', 'o'] as const) : []), ...(mlp ? (['mlp'] as const) : [])],
    write: llamaNames(),
  };
}

export function mistral(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const { rotary, config } = drawPositions(draw);
  const window = random.pick([undefined, 3, 13]);
  return {
    config: { model_type: 'mistral', ...usualKeys(draw), ...config, sliding_window: window ?? null },
    shape: { ...draw.shape, specs: [local(layerWith(draw, rotary), window)] },
    write: llamaNames(),
  };
}

/** Layers from max_window_layers on have the window, where it is switched on. */
export function qwenWindows(draw: Draw, spec: LayerSpec): { specs: LayerSpec[]; config: object } {
  const [isOn, window, first] = [draw.isLikely(0.7), draw.random.pick([3, 13]), 1];
  const specs = eachLayer(draw, (layer) => local(spec, isOn && layer >= first ? window : undefined));
  return { specs, config: { use_sliding_window: isOn, sliding_window: window, max_window_layers: first } };
}

export function qwen2(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const { rotary, config } = drawPositions(draw);
  const windows = qwenWindows(draw, layerWith(draw, rotary));
  return {
    config: { model_type: 'qwen2', ...usualKeys(draw), ...config, ...windows.config },
    shape: { ...draw.shape, specs: windows.specs },
    biases: ['qkv'],
    write: llamaNames(),
  };
}

export function qwen3(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const { rotary, config } = drawPositions(draw);
  const spec = layerWith(draw, rotary);
  const windows = qwenWindows(draw, { ...spec, attention: { ...spec.attention, queryKeyNorm: 'head' } });
  return {
    config: { model_type: 'qwen3', ...usualKeys(draw), ...config, ...windows.config },
    shape: { ...draw.shape, specs: windows.specs },
    write: llamaNames(),
  };
}

export const gateUpNames: Write = async (layer, tensors, at) => {
  const { gate, up, down } = denseOf(layer.mlp);
  await tensors.interleaved(`${at}mlp.gate_up_proj`, gate ? [gate, up] : [up], 1);
  await tensors.linear(`${at}mlp.down_proj`, down);
};

export function phi3(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const share = random.pick([1, 0.75].filter((each) => Math.trunc(draw.shape.headDim * each) % 2 === 0));
  const isLong = draw.isLikely(0.7);
  const { rotary, config } = drawPositions(draw, { share, isLong });
  const window = random.pick([undefined, 3]);
  return {
    config: {
      model_type: 'phi3',
      ...usualKeys(draw),
      ...config,
      partial_rotary_factor: share,
      sliding_window: window ?? null,
    },
    shape: { ...draw.shape, specs: [local(layerWith(draw, rotary), window)] },
    write: async (layer, tensors, at) => {
      await writeNorms(layer, tensors, at, BEFORE);
      await tensors.interleaved(`${at}self_attn.qkv_proj`, [layer.q, layer.k, layer.v], 1);
      await tensors.linear(`${at}self_attn.o_proj`, layer.o);
      await gateUpNames(layer, tensors, at);
    },
  };
}

export function smollm3(random: Random): Drawn {
  const draw = drawSizes(random, { layers: 4 });
  const { rotary, config } = drawPositions(draw);
  const [isListed, isOn] = [draw.isLikely(0.5), draw.isLikely(0.5)];
  const turned = isListed ? [0, 1, 1, 0] : [1, 0, 1, 0];
  const window = random.pick([3, 13]);
  return {
    config: {
      model_type: 'smollm3',
      ...usualKeys(draw),
      ...config,
      ...(isListed ? { no_rope_layers: turned } : { no_rope_layer_interval: 2 }),
      use_sliding_window: isOn,
      sliding_window: window,
    },
    shape: {
      ...draw.shape,
      // Only layers without positions have the window.
      specs: eachLayer(draw, (layer) =>
        turned[layer] === 1
          ? layerWith(draw, rotary)
          : local(layerWith(draw, undefined), isOn ? window : undefined),
      ),
    },
    write: llamaNames(),
  };
}

export function granite(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const { rotary, config } = drawPositions(draw);
  const spec = { ...layerWith(draw, rotary), residualScale: 0.22 };
  return {
    config: {
      model_type: 'granite',
      ...usualKeys(draw),
      ...config,
      embedding_multiplier: 12,
      attention_multiplier: 0.31,
      residual_multiplier: 0.22,
      logits_scaling: 1.7,
    },
    shape: {
      ...draw.shape,
      specs: [{ ...spec, attention: { ...spec.attention, scale: 0.31 } }],
      embeddingScale: 12,
      logitScale: 1 / 1.7,
    },
    write: llamaNames(),
  };
}

export function olmo2(random: Random): Drawn {
  const draw = drawSizes(random, {});
  const { rotary, config } = drawPositions(draw);
  const spec = { ...layerWith(draw, rotary), norms: 'after' } as const;
  return {
    config: { model_type: 'olmo2', ...usualKeys(draw), ...config },
    shape: {
      ...draw.shape,
      specs: [{ ...spec, attention: { ...spec.attention, queryKeyNorm: 'projection' } }],
    },
    write: llamaNames([undefined, undefined, 'post_attention_layernorm', 'post_feedforward_layernorm']),
  };
}
