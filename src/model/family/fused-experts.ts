/**
 * Experts whose weights lie in one tensor for all of a layer: gate and up as even and odd columns of [experts, hidden, 2·ff],
 * down as [experts, ff, hidden], stored input first; or the same transposed in MXFP4 blocks.
 */
import type { ExpertsWeights, ExpertWeights, LinearWeights, WeightMatrix } from '../../core/checkpoint.js';
import type { ExpertsSpec } from '../../core/layers/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import { everyOtherRow, selectRows, transposedMatrix } from '../checkpoint/matrix.js';
import type { LayerTensors } from './layer-tensors.js';
import { mxfp4Matrix } from './mxfp4.js';

export function readFusedExperts(
  tensors: LayerTensors,
  { count, feedForward }: ExpertsSpec,
  { hidden }: ModelShape,
): ExpertsWeights {
  const gateUps = stackedWeights(tensors, 'mlp.experts.gate_up_proj', {
    count,
    rows: 2 * feedForward,
    columns: hidden,
  });
  const downs = stackedWeights(tensors, 'mlp.experts.down_proj', {
    count,
    rows: hidden,
    columns: feedForward,
  });
  const experts = Array.from({ length: count }, (_, index) => expertOf(gateUps(index), downs(index)));
  return { kind: 'experts', router: tensors.linear('mlp.router', count, hidden), experts };
}

function expertOf(gateUp: Required<LinearWeights>, down: LinearWeights): ExpertWeights {
  const half = (first: 0 | 1): LinearWeights => ({
    weight: everyOtherRow(gateUp.weight, first),
    bias: everyOtherColumn(gateUp.bias, first),
  });
  return { gate: half(0), up: half(1), down };
}

type Sizes = { readonly count: number; readonly rows: number; readonly columns: number };

/** An expert's weight [rows, columns] and bias, whichever way they are stored. */
function stackedWeights(
  tensors: LayerTensors,
  name: string,
  { count, rows, columns }: Sizes,
): (expert: number) => Required<LinearWeights> {
  const path = `${tensors.prefix}${name}`;
  const biases = tensors.source.matrix(`${path}_bias`, count, rows);
  const weight = tensors.has(`${name}_blocks`)
    ? mxfp4Matrix(tensors.source, path, { count, rows, columns })
    : tensors.source.stacked(path, [count, columns, rows]);
  const run = (expert: number, height: number) => ({ start: expert * height, end: (expert + 1) * height });
  return (expert) => ({
    weight: tensors.has(`${name}_blocks`)
      ? selectRows(weight, [run(expert, rows)])
      : transposedMatrix(selectRows(weight, [run(expert, columns)])),
    bias: selectRows(biases, [run(expert, 1)]),
  });
}

/** Of a vector, elements first, first + 2, … */
function everyOtherColumn(vector: WeightMatrix, first: 0 | 1): WeightMatrix {
  return {
    rows: 1,
    columns: vector.columns / 2,
    read: async (start, end) => (await vector.read(start, end)).filter((_, i) => i % 2 === first),
  };
}
