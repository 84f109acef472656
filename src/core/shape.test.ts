import { expect, test } from 'vitest';
import { plainLayer } from './layers/layer-spec.js';
import type { RotaryScaling } from './layers/rotary.js';
import { LLAMA_7B } from './published-shapes.js';
import { canReuseRows, type ModelShape } from './shape.js';

const FACTORS = { shortFactors: [1], longFactors: [2], attentionFactor: 1 };

function scaled(scaling: RotaryScaling): ModelShape {
  const layer = plainLayer(2, 1e4);
  const rotary = { dims: 2, theta: 1e4, scaling, pairs: 'halves' } as const;
  return {
    ...LLAMA_7B,
    specs: [plainLayer(2, 1e4), { ...layer, attention: { ...layer.attention, rotary } }],
  };
}

test('rows are reused by any prompt where positions mean the same in all', () => {
  expect(canReuseRows(LLAMA_7B, 100_000)).toBe(true);
  expect(canReuseRows(scaled({ kind: 'linear', factor: 8 }), 100_000)).toBe(true);
});

test.each<RotaryScaling>([
  { kind: 'longrope', originalContextTokens: 64, ...FACTORS },
  { kind: 'dynamic', originalContextTokens: 64, factor: 2 },
])('under $kind scaling a longer prompt than the model was made for has rows of its own', (scaling) => {
  expect(canReuseRows(scaled(scaling), 64)).toBe(true);
  expect(canReuseRows(scaled(scaling), 65)).toBe(false);
});
