/**
 * OLMo 2: norms behind attention and MLP only, and over the whole projections of queries and keys.
 */
import { z } from 'zod';
import { epsilonSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer, withAttention } from '../family/standard-layer.js';

export const OLMO2 = defineFamily({
  name: 'olmo2',
  types: ['olmo2'],
  keys: z.object({ rms_norm_eps: epsilonSchema.default(1e-5) }),
  model: (common, { rms_norm_eps: epsilon }) => {
    const spec = withAttention(standardLayer(common), { queryKeyNorm: 'projection' });
    return { norm: 'rms', epsilon, specs: [{ ...spec, norms: 'after' }] };
  },
});
