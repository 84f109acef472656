/**
 * Llama 1, 2 and 3.x, and all that is laid out like it (Yi, Falcon 3, …): RMS norms, a gated SiLU, rotary positions, any
 * number of KV heads.
 */
import { z } from 'zod';
import { epsilonSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer } from '../family/standard-layer.js';

export const LLAMA = defineFamily({
  name: 'llama',
  types: ['llama'],
  keys: z.object({ rms_norm_eps: epsilonSchema.default(1e-6) }),
  model: (common, { rms_norm_eps: epsilon }) => ({ norm: 'rms', epsilon, specs: [standardLayer(common)] }),
});
