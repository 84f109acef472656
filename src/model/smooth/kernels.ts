/**
 * What smoothing needs of runtime/, which hands it in: products too large for plain code, and rotary positions.
 */
import type { Rotary } from '../../core/layers/rotary.js';

export type SmoothingKernels = {
  /** weight [out, in] · inputs [in, rows] → [out, rows], f32. */
  product(weight: Float32Array, inputs: Float32Array, rows: number): Promise<Float32Array>;
  /** Cosines and sines of positions [0, rows), [rows, dims/2] each. */
  turns(rotary: Rotary, rows: number): { readonly cos: Float32Array; readonly sin: Float32Array };
  close(): Promise<void>;
};
