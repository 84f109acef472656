import { expect, test } from 'vitest';
import { LLAMA_7B, PAPER_SHAPES, RUNNABLE_SHAPES } from '../core/published-shapes.js';
import { plainLayer } from '../core/layers/layer-spec.js';
import { modelShapeSchema } from '../core/shape.js';

test('every published shape comes through JSON and the schema as it was', () => {
  for (const shape of [...RUNNABLE_SHAPES.values(), ...PAPER_SHAPES.values()]) {
    expect(modelShapeSchema.parse(JSON.parse(JSON.stringify(shape)))).toEqual(shape);
  }
});

test.each([
  { architecture: '' },
  { specs: [] },
  { layers: 0 },
  { heads: 1.5 },
  { embeddingScale: -1 },
  { specs: [plainLayer(128, -1)] },
  { specs: [{ ...plainLayer(128, 1e4), residual: 'none' }] },
  { tiedHead: undefined },
])('a shape with %o is refused', (change) => {
  expect(modelShapeSchema.safeParse({ ...LLAMA_7B, ...change }).success).toBe(false);
});
