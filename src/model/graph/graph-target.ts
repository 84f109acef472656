/**
 * Where blocks.ts and the layers it asks for put the nodes and weights of the graph that is being written.
 */
import type { WeightMatrix } from '../../core/checkpoint.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import type { GraphBuilder } from './graph-builder.js';
import type { WeightFile } from './weight-file.js';

export type GraphTarget = {
  readonly shape: ModelShape;
  readonly dtype: Dtype;
  /** Signedness of w8a8's weights. */
  readonly integerWeights: 'i8' | 'u8';
  readonly graph: GraphBuilder;
  readonly weights: WeightFile;
  /** Values that were already turned into u8 rows, by name. */
  readonly quantized: Map<string, QuantizedRows>;
};

/** u8 around 128 and f32 [1, rows, 1] that they are to be multiplied with. */
export type QuantizedRows = { readonly values: string; readonly scales: string };

/** The name of the dimension that counts a graph's rows. */
export const ROWS = 'rows';

/** A vector [1, n] of the checkpoint as an initializer [n], or of other dimensions with n elements. */
export async function addVector(
  target: GraphTarget,
  name: string,
  vector: WeightMatrix,
  dims: readonly number[] = [vector.columns],
): Promise<string> {
  return target.graph.initializer(await target.weights.appendMatrix(name, vector, dims));
}

/** factor·x; x itself where that changes nothing. */
export function scaled({ graph }: GraphTarget, name: string, x: string, factor: number): string {
  return factor === 1 ? x : graph.node('Mul', [x, graph.constant(name, 'f32', [1], [factor])]);
}
