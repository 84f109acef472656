/**
 * Qwen 2 and 2.5: Llama's layers with biases on queries, keys and values; in some files later layers have a window.
 */
import { z } from 'zod';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { CommonConfig } from '../family/common-config.js';
import { epsilonSchema, MAX_LAYERS, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { eachLayer, isWindowed, standardLayer, withWindow } from '../family/standard-layer.js';

/** Of Qwen 2 and 3. Real files name a window that use_sliding_window then switches off. */
export const qwenKeys = z.object({
  rms_norm_eps: epsilonSchema.default(1e-6),
  use_sliding_window: z.boolean().nullish(),
  sliding_window: windowSchema,
  max_window_layers: z.number().int().min(0).max(MAX_LAYERS).default(28),
});

/** One layer like another, but for the window where it is switched on. */
export function qwenLayers(
  common: CommonConfig,
  own: z.infer<typeof qwenKeys>,
  plain: LayerSpec,
): LayerSpec[] {
  const window = own.use_sliding_window ? own.sliding_window : null;
  return eachLayer(common, (layer) =>
    isWindowed(common, layer, () => layer >= own.max_window_layers) ? withWindow(plain, window) : plain,
  );
}

export const QWEN2 = defineFamily({
  name: 'qwen2',
  types: ['qwen2'],
  keys: qwenKeys,
  model: (common, own) => ({
    norm: 'rms',
    epsilon: own.rms_norm_eps,
    specs: qwenLayers(common, own, standardLayer(common)),
    readers: { attentionBias: true, outputBias: false },
  }),
});
