/**
 * From flags to what is simulated: the shape, the described cluster, the policy.
 */
import { KvrError } from '../../core/errors.js';
import type { ModelShape } from '../../core/shape.js';
import { parseSyntheticSpec, SYNTHETIC_PREFIX } from '../../model/synthetic/index.js';
import { OUR_POLICY, PAPER_POLICY, PAPER_SHAPES } from '../../simulate/index.js';
import { shown } from '../terminal/numbers.js';
import type { SimulateFlags } from './simulate-flags.js';
import { PROFILES, SIMULATED_ROWS, type SimulationPlan } from './simulate-rows.js';

const DEFAULTS = { model: 'llama-7b', profile: 'gpu', workers: [8], context: [16_384] } as const;

/** @throws BAD_INPUT, UNSUPPORTED_MODEL */
export function planOf(flags: SimulateFlags): SimulationPlan {
  const { strategies, link, latency, noise, relay, policy, chunkTokens } = flags;
  const given = { ...DEFAULTS, ...flags };
  const profile = PROFILES[given.profile];
  const base = policy === 'paper' ? PAPER_POLICY : OUR_POLICY;
  return {
    modelName: given.model,
    shape: shapeOf(given.model),
    cluster: {
      device: profile.device,
      link: { bytesPerS: link ?? profile.link.bytesPerS, latencyMs: latency ?? profile.link.latencyMs },
      ...(noise && { noise }),
    },
    policy: { ...base, ...(relay && { relay }), ...(chunkTokens !== undefined && { chunkTokens }) },
    strategies: strategies ?? SIMULATED_ROWS,
    workers: given.workers,
    contexts: given.context,
  };
}

function shapeOf(name: string): ModelShape {
  if (name.startsWith(SYNTHETIC_PREFIX)) return parseSyntheticSpec(name).shape;
  const shape = PAPER_SHAPES.get(name);
  if (shape) return shape;
  const names = [...PAPER_SHAPES.keys()].join(', ');
  throw new KvrError(
    'BAD_INPUT',
    `--model ${shown(name)} is no known shape; give one of ${names}, or synthetic:NAME`,
  );
}
