/**
 * Words for a cluster that is described, not measured: device, link, noise, and how a strategy is carried out.
 * Pure data. Everything simulated from it is labelled as such by whoever prints it.
 */

/** One worker's device. Rates are what its kernels reach, not what its maker prints. */
export type DeviceProfile = {
  /** Products with the weights, for many rows. */
  readonly matmulFlopsPerS: number;
  /** Rows at which products reach half of that rate: efficiency is S/(S + this). */
  readonly matmulHalfTokens: number;
  /** The two products of attention. */
  readonly attentionFlopsPerS: number;
  readonly memoryBytesPerS: number;
  /** Memory traffic of one score (one query, one key, one head): every pass of eager attention over it; 0 when fused. */
  readonly scoreBytes: number;
  /** Launching a layer's kernels, whatever their size. */
  readonly layerOverheadMs: number;
  /** Bytes of a weight and of an element of K, V or an activation. */
  readonly elementBytes: number;
};

export type LinkProfile = { readonly bytesPerS: number; readonly latencyMs: number };

/** Traffic of others: a link is slowed by `slowdown` for one layer with probability `share`. */
export type NoiseProfile = { readonly share: number; readonly slowdown: number; readonly seed: number };

export type ClusterProfile = {
  readonly device: DeviceProfile;
  /** Between neighbours; all alike. */
  readonly link: LinkProfile;
  readonly noise?: NoiseProfile;
};

/** How strategies are carried out. */
export type Policy = {
  /** A slice's own square of scores: computed in full and masked, or only its lower half. */
  readonly diagonal: 'full' | 'half';
  /**
   * 'cut-through': a relay forwards every frame as it comes in. 'store-and-forward': it waits for the whole prefix,
   * copies prefix and own K,V together, and sends that on (the paper's).
   */
  readonly relay: 'cut-through' | 'store-and-forward';
  /** The last layer is done for the final token only, by the last rank. Ring and pipeline always do it in full. */
  readonly prunesLastLayer: boolean;
  /** Rows that go through a layer at once; Infinity takes a slice whole. */
  readonly chunkTokens: number;
  /** Largest piece a cut-through relay waits for. */
  readonly frameBytes: number;
};

/** What this project does. */
export const OUR_POLICY: Policy = {
  diagonal: 'half',
  relay: 'cut-through',
  prunesLastLayer: true,
  chunkTokens: Infinity,
  frameBytes: 1 << 20,
};

/** What the paper describes. */
export const PAPER_POLICY: Policy = {
  diagonal: 'full',
  relay: 'store-and-forward',
  prunesLastLayer: false,
  chunkTokens: Infinity,
  frameBytes: Infinity,
};

/** A core of a 2023 server CPU with 32-bit weights: 90 GFLOP/s of products, 60 of fused attention. */
export const CPU_CORE: DeviceProfile = {
  matmulFlopsPerS: 90e9,
  matmulHalfTokens: 8,
  attentionFlopsPerS: 60e9,
  memoryBytesPerS: 16e9,
  scoreBytes: 0,
  layerOverheadMs: 0.2,
  elementBytes: 4,
};
