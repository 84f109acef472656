/**
 * `synthetic:…` checkpoints: random weights at a real model's shape, made as they are read. What speed is
 * measured on, since speed does not depend on the values. Called by model/open.
 */
import { createHash } from 'node:crypto';
import type { Checkpoint, LinearWeights } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { countParameters } from '../checkpoint/parameters.js';
import { randomBlock, randomMatrix } from './random-block.js';
import { plainNorm, randomLayer } from './random-layer.js';
import { parseSyntheticSpec } from './spec.js';

export { parseSyntheticSpec, SYNTHETIC_PREFIX } from './spec.js';

/** Part of the digest: to be raised whenever equal names begin to mean other values. */
const SYNTHETIC_VERSION = 1;
/** The begin token of the byte tokenizer, which stands in where a model brings none. */
const BYTE_TOKENIZER_BOS_ID = 1;

/** Opens `synthetic:NAME,…`. It holds 4 MB and no files. @throws BAD_INPUT, UNSUPPORTED_MODEL */
export function openSynthetic(name: string): Checkpoint {
  const { shape, seed, canonical } = parseSyntheticSpec(name);
  const block = randomBlock(seed);
  const linear = (role: string, rows: number, columns: number): LinearWeights => ({
    weight: randomMatrix(block, role, rows, columns),
  });
  const embedding = randomMatrix(block, 'embedding', shape.vocabulary, shape.hidden);
  const parts = {
    shape,
    embedding,
    finalNorm: plainNorm(shape, shape.hidden),
    head: shape.tiedHead ? { weight: embedding } : linear('head', shape.vocabulary, shape.hidden),
    layer: (index: number) => randomLayer(shape, checkedIndex(index, shape.layers), linear),
  };
  return {
    ...parts,
    name,
    digest: createHash('sha256').update(`${SYNTHETIC_VERSION} ${canonical}`).digest('hex'),
    parameters: countParameters(parts),
    // Random weights would end an answer anywhere; a run for speed has as many tokens as were asked for.
    eosIds: [],
    bosId: BYTE_TOKENIZER_BOS_ID,
    tokenizerFolder: undefined,
    close: async () => undefined,
  };
}

function checkedIndex(index: number, layers: number): number {
  if (Number.isInteger(index) && index >= 0 && index < layers) return index;
  throw new KvrError('INTERNAL', `layer ${index} was asked for, the model has layers 0 to ${layers - 1}`);
}
