import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { modelShapeSchema } from '../../core/shape.js';
import { shapeOfConfig } from '../families/index.js';
import { PUBLISHED_CONFIGS } from '../synthetic/published-configs.js';
import { MAX_CONTEXT_TOKENS, MAX_HIDDEN, MAX_LAYERS, MAX_VOCABULARY } from './config-limits.js';

/** Of no key's type, absurd, or just beyond what makes sense. */
const VALUES: readonly unknown[] = [
  null,
  true,
  'x'.repeat(100),
  '',
  -1,
  0,
  0.5,
  3,
  7919,
  2 ** 31,
  2 ** 53,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  [],
  {},
  [1, 2, 3],
  Array.from({ length: 2000 }, () => 'full_attention'),
  { rope_type: 'yarn' },
  { rope_type: 'longrope', short_factor: [], long_factor: [] },
  { rope_type: 'linear', factor: -2 },
  { full_attention: { rope_type: 'linear' } },
];

const MORE_KEYS = [
  'head_dim',
  'layer_types',
  'rope_parameters',
  'rope_scaling',
  'tie_word_embeddings',
  'attention_bias',
  'hidden_act',
  'max_position_embeddings',
  'original_max_position_embeddings',
  'text_config',
  'no_rope_layers',
  'mlp_only_layers',
  'quantization_config',
];

test.each([...PUBLISHED_CONFIGS])(
  '%s with one key changed is understood within bounds or refused in one line',
  (name, config) => {
    let refused = 0;
    for (const key of [...Object.keys(config), ...MORE_KEYS])
      for (const value of VALUES) refused += isRefused(name, { ...config, [key]: value }) ? 1 : 0;
    expect(refused).toBeGreaterThan(0);
  },
);

test.each([...PUBLISHED_CONFIGS])('%s without one of its keys is understood or refused', (name, config) => {
  for (const key of Object.keys(config)) isRefused(name, { ...config, [key]: undefined });
  expect(isRefused(name, { ...config, num_hidden_layers: undefined })).toBe(true);
});

/** Checks what comes of a config. */
function isRefused(name: string, json: object): boolean {
  try {
    const shape = modelShapeSchema.parse(shapeOfConfig({ json, path: name }));
    expect(shape.layers).toBeLessThanOrEqual(MAX_LAYERS);
    expect(shape.hidden).toBeLessThanOrEqual(MAX_HIDDEN);
    expect(shape.vocabulary).toBeLessThanOrEqual(MAX_VOCABULARY);
    expect(shape.contextTokens).toBeLessThanOrEqual(MAX_CONTEXT_TOKENS);
    return false;
  } catch (error) {
    if (!(error instanceof KvrError)) throw error;
    expect(['BAD_CHECKPOINT', 'UNSUPPORTED_MODEL']).toContain(error.code);
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(2000);
    return true;
  }
}
