/**
 * The one described A100 all of the paper's rows are simulated on, and its links and noise. Data.
 *
 * Fitted once, to three published figures together (Llama 7B 1.42, Falcon 7B 1.63, 1.79 at 10 GB/s) with each constant
 * kept in a range one can defend for HuggingFace FP16 models with eager attention; no constant belongs to a row.
 */
import type { DeviceProfile, LinkProfile, NoiseProfile } from './cluster.js';

export const PAPER_A100: DeviceProfile = {
  // Tensor cores give 312e12; the rest is norms, rotary and activations around the products, which count in here.
  matmulFlopsPerS: 140e12,
  matmulHalfTokens: 100,
  attentionFlopsPerS: 120e12,
  // 1.56e12 to 2.0e12 on paper, by variant.
  memoryBytesPerS: 1.35e12,
  // Eager attention writes scores in 16 bits, scales, masks, clamps, widens to 32, takes the softmax, narrows, reads.
  scoreBytes: 36,
  // About 30 kernels.
  layerOverheadMs: 0.5,
  elementBytes: 2,
};

export const NVLINK_300GB: LinkProfile = { bytesPerS: 300e9, latencyMs: 0.02 };
export const LINK_10GB: LinkProfile = { bytesPerS: 10e9, latencyMs: 0.02 };

/** Fitted to the two published noise figures together: a third of the transfers take 1.4 times as long. */
export const PAPER_NOISE: NoiseProfile = { share: 0.33, slowdown: 1.4, seed: 1 };

/** Noise figures are means over so many seeds. */
export const NOISE_SEEDS = 8;
