/**
 * The head's graph: normed → logits, with what a family does to its logits.
 */
import type { Checkpoint } from '../../core/checkpoint.js';
import { addVector, type GraphTarget, scaled } from './graph-target.js';
import { addBlockMatMul } from './linear.js';

/** The head decides between tokens, so it keeps 8 bits in every quantised dtype. */
export async function addQuantizedHead(target: GraphTarget, checkpoint: Checkpoint): Promise<void> {
  const product = await addBlockMatMul(target, 'head', addNormed(target), checkpoint.head.weight, 8);
  await addLogits(target, checkpoint, product);
}

/** @param data where the weight lies, [vocabulary, hidden] f32 as it is */
export async function addPlainHead(
  target: GraphTarget,
  checkpoint: Checkpoint,
  data: { readonly file: string; readonly offset: number; readonly bytes: number },
): Promise<void> {
  const { graph, shape } = target;
  const dims = [shape.vocabulary, shape.hidden];
  const weight = graph.initializer({ name: 'head', type: 'f32', dims, data });
  const product = graph.node('FusedMatMul', [addNormed(target), weight], {
    domain: 'com.microsoft',
    attributes: { transB: 1 },
  });
  await addLogits(target, checkpoint, product);
}

function addNormed({ graph, shape }: GraphTarget): string {
  return graph.input('normed', 'f32', [1, 'rows', shape.hidden]);
}

async function addLogits(target: GraphTarget, { head, shape }: Checkpoint, product: string): Promise<void> {
  const { graph } = target;
  const biased = head.bias
    ? graph.node('Add', [product, await addVector(target, 'head.bias', head.bias)])
    : product;
  const sized = scaled(target, 'logits.scale', biased, shape.logitScale);
  graph.node('Identity', [addCap(target, sized)], { outputs: ['logits'] });
  graph.output('logits', 'f32', [1, 'rows', shape.vocabulary]);
}

/** cap·tanh(x/cap). */
function addCap(target: GraphTarget, x: string): string {
  const cap = target.shape.logitCap;
  if (cap === undefined) return x;
  const small = scaled(target, 'logits.uncapped', x, 1 / cap);
  return scaled(target, 'logits.cap', target.graph.node('Tanh', [small]), cap);
}
