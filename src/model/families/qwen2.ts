/**
 * Qwen 2 and 2.5: Llama's layers with biases on queries, keys and values; in some files later layers have a window.
 */
import { z } from 'zod';
import { epsilonSchema, MAX_LAYERS, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { eachLayer, isWindowed, standardLayer, withWindow } from '../family/standard-layer.js';

export const QWEN2 = defineFamily({
  name: 'qwen2',
  types: ['qwen2'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1e-6),
    use_sliding_window: z.boolean().nullish(),
    // Real files name a window that use_sliding_window then switches off.
    sliding_window: windowSchema,
    max_window_layers: z.number().int().min(0).max(MAX_LAYERS).default(28),
  }),
  model: (common, own) => {
    const plain = standardLayer(common);
    const window = own.use_sliding_window ? own.sliding_window : null;
    const specs = eachLayer(common, (layer) =>
      isWindowed(common, layer, () => layer >= own.max_window_layers) ? withWindow(plain, window) : plain,
    );
    const readers = { attentionBias: true, outputBias: false };
    return { norm: 'rms', epsilon: own.rms_norm_eps, specs, readers };
  },
});
