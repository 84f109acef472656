/**
 * What compiling a model takes of this machine: its kernels' names, their packing, and the products of smoothing.
 */
import type { CompileOptions } from '../../model/compile.js';
import { encodeModel } from '../../model/graph/proto.js';
import { GraphBuilder } from '../../model/graph/graph-builder.js';
import type { SmoothingKernels } from '../../model/smooth/index.js';
import { integerWeights } from '../sessions/instruction-sets.js';
import { floats, kernelKey, openSession, result } from '../sessions/kernels.js';
import { openPacking } from '../sessions/packing-threads.js';
import { rotaryTable } from './rows/rotary.js';

type CompileKernels = Pick<CompileOptions, 'kernelKey' | 'openPacking' | 'integerWeights' | 'openSmoothing'>;

export function compileKernels(): CompileKernels {
  return {
    kernelKey: kernelKey(),
    openPacking,
    integerWeights: integerWeights(),
    openSmoothing,
  };
}

async function openSmoothing(): Promise<SmoothingKernels> {
  const session = await openSession(encodeModel(productGraph().build()), { threads: 1 });
  return {
    async product(weight, inputs, rows) {
      const columns = inputs.length / rows;
      const out = await session.run({
        weight: floats(weight, [weight.length / columns, columns]),
        inputs: floats(inputs, [columns, rows]),
      });
      return result(out, 'product');
    },
    turns: (rotary, rows) => rotaryTable(rotary, rows, { positions: 0, promptTokens: rows }),
    close: () => session.close(),
  };
}

/** weight [out, in] · inputs [in, rows]: the few rows stand as columns, so that the weight is read as it lies. */
function productGraph(): GraphBuilder {
  const graph = new GraphBuilder('product');
  const weight = graph.input('weight', 'f32', ['out', 'in']);
  const inputs = graph.input('inputs', 'f32', ['in', 'rows']);
  graph.node('MatMul', [weight, inputs], { outputs: ['product'] });
  graph.output('product', 'f32', ['out', 'rows']);
  return graph;
}
