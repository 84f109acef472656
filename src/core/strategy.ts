/**
 * The prefill strategies as values: what each one is, so that everybody else branches on properties and not on names.
 * A strategy travels by its name; strategyOf() gives its properties. Pure.
 */

/** How keys and values travel: not at all, from each rank to the later ones, or from every rank to every other. */
export type Topology = 'none' | 'chain' | 'gather';

/** Which keys a row is multiplied with: those up to itself, or (dense TSP) all, with the mask after. */
export type Masking = 'causal' | 'dense';

type StrategyProperties = {
  readonly topology: Topology;
  readonly masking: Masking;
  /** Whether rank 0 can go on from rows kept of an earlier request. */
  readonly reusesPrefix: boolean;
  /** How `partition: 'auto'` is decided: one slice, the planner, or slices of even length. */
  readonly planner: 'one slice' | 'plan' | 'even';
};

const PROPERTIES = {
  /** One worker alone. */
  single: { topology: 'none', masking: 'causal', reusesPrefix: true, planner: 'one slice' },
  /** KV-Runahead: the chain. */
  kvr: { topology: 'chain', masking: 'causal', reusesPrefix: true, planner: 'plan' },
  /** Tensor and sequence parallel: an all-gather with a barrier per layer. */
  tsp: { topology: 'gather', masking: 'causal', reusesPrefix: false, planner: 'even' },
  /** The same with the full QKᵀ, as the paper's baseline has it. */
  'tsp-dense': { topology: 'gather', masking: 'dense', reusesPrefix: false, planner: 'even' },
} as const satisfies Record<string, StrategyProperties>;

export type StrategyName = keyof typeof PROPERTIES;
export type Strategy = StrategyProperties & { readonly name: StrategyName };

export const STRATEGIES = Object.keys(PROPERTIES) as [StrategyName, ...StrategyName[]];

export function strategyOf(name: StrategyName): Strategy {
  return { name, ...PROPERTIES[name] };
}
