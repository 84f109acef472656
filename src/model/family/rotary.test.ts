import { expect, test } from 'vitest';
import { shapeOfConfig } from '../families/index.js';

const SIZES = {
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 12,
  num_attention_heads: 4,
};

function rotaryOf(json: object, layer = 0) {
  const { specs } = shapeOfConfig({ json: { ...SIZES, ...json }, path: 'config.json' });
  return specs[layer % specs.length]?.attention.rotary;
}

test.each(['phi', 'phi3', 'stablelm', 'glm4', 'gpt_neox'])(
  'the share of a head that %s turns may stand in rope_parameters, which go before the key beside them',
  (type) => {
    const inner = { rope_type: 'default', rope_theta: 5000, partial_rotary_factor: 0.75 };
    expect(rotaryOf({ model_type: type, rope_parameters: inner })).toMatchObject({ dims: 12, theta: 5000 });
    const both = { model_type: type, rope_parameters: inner, partial_rotary_factor: 0.5 };
    expect(rotaryOf(both)).toMatchObject({ dims: 12 });
    expect(rotaryOf({ model_type: type, partial_rotary_factor: 0.5 })).toMatchObject({ dims: 8 });
  },
);

test('a family that turns whole heads refuses a share, wherever it stands', () => {
  const parameters = { rope_type: 'default', partial_rotary_factor: 0.5 };
  expect(() => rotaryOf({ model_type: 'llama', rope_parameters: parameters })).toThrow(
    'partial_rotary_factor 0.5 of a llama',
  );
});

test('LongRoPE takes the original context from its own parameters, else from beside them', () => {
  const factors = Array.from({ length: 8 }, () => 2);
  const written = { rope_type: 'longrope', short_factor: factors, long_factor: factors };
  const json = { model_type: 'phi3', max_position_embeddings: 1024, original_max_position_embeddings: 256 };
  expect(rotaryOf({ ...json, rope_scaling: written })?.scaling).toMatchObject({ originalContextTokens: 256 });
  const inner = { ...written, original_max_position_embeddings: 128 };
  expect(rotaryOf({ ...json, rope_parameters: inner })?.scaling).toMatchObject({
    originalContextTokens: 128,
  });
});

test('layers of Gemma 3 with a window keep positions of their own, however the others are written', () => {
  const full = { rope_type: 'linear', factor: 8, rope_theta: 1e6 };
  const local = { rope_type: 'default', rope_theta: 3000 };
  const gemma = { model_type: 'gemma3_text', head_dim: 16 };
  const both = { ...gemma, rope_parameters: { full_attention: full, sliding_attention: local } };
  expect(rotaryOf(both, 0)).toMatchObject({ theta: 3000, scaling: { kind: 'none' } });
  expect(rotaryOf(both, 5)).toMatchObject({ theta: 1e6, scaling: { kind: 'linear' } });
  for (const rope_parameters of [full, { full_attention: full }]) {
    expect(rotaryOf({ ...gemma, rope_parameters }, 0)).toMatchObject({
      theta: 1e4,
      scaling: { kind: 'none' },
    });
    expect(rotaryOf({ ...gemma, rope_parameters }, 5)).toMatchObject({ theta: 1e6 });
  }
});

test('with a base that grows, prompts may have as many tokens as the factor says', () => {
  const scaling = { rope_type: 'dynamic', factor: 2.5 };
  const json = { ...SIZES, model_type: 'llama', max_position_embeddings: 1000, rope_scaling: scaling };
  expect(shapeOfConfig({ json, path: 'config.json' }).contextTokens).toBe(2500);
  expect(rotaryOf({ ...json })?.scaling).toMatchObject({ originalContextTokens: 1000 });
  const linear = { ...json, rope_scaling: { rope_type: 'linear', factor: 2.5 } };
  expect(shapeOfConfig({ json: linear, path: 'config.json' }).contextTokens).toBe(1000);
});
