/**
 * SmolLM 3: Llama's layers, every fourth without positions, and with the window where one is switched on.
 */
import { z } from 'zod';
import { checkEachLayer } from '../family/common-config.js';
import { count, epsilonSchema, MAX_LAYERS, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { eachLayer, isWindowed, standardLayer, withAttention, withWindow } from '../family/standard-layer.js';

export const SMOLLM3 = defineFamily({
  name: 'smollm3',
  types: ['smollm3'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1e-6),
    /** 1 where a layer has positions, 0 where it has none, whatever the name says. */
    no_rope_layers: z.array(z.number().int().min(0).max(1)).max(MAX_LAYERS).nullish(),
    no_rope_layer_interval: count(MAX_LAYERS).default(4),
    use_sliding_window: z.boolean().nullish(),
    sliding_window: windowSchema,
  }),
  defaults: { rope_theta: 2_000_000 },
  model: (common, own) => {
    const turned = standardLayer(common);
    const unturned = withAttention(turned, { rotary: undefined });
    const turnedLayers = own.no_rope_layers ?? undefined;
    checkEachLayer(common, 'no_rope_layers', turnedLayers);
    const isTurned = (layer: number): boolean =>
      turnedLayers ? turnedLayers[layer] !== 0 : (layer + 1) % own.no_rope_layer_interval !== 0;
    const window = own.use_sliding_window ? own.sliding_window : null;
    const specs = eachLayer(common, (layer) => {
      const spec = isTurned(layer) ? turned : unturned;
      return isWindowed(common, layer, () => !isTurned(layer)) ? withWindow(spec, window) : spec;
    });
    return { norm: 'rms', epsilon: own.rms_norm_eps, specs, isTied: true };
  },
});
