/**
 * Every key of a config that decides what is computed, spoiled: what a family reads has to be of its kind and within its bound,
 * what it does not read and would change the answer is refused, each in one line that names the key and its value.
 */
import { expect, test } from 'vitest';
import { KvrError } from '../../../core/errors.js';
import { shapeOfConfig } from '../../families/index.js';
import { type Config, configOf, FIELD_KEYS, type KeyKind, READ_KEYS } from './family-configs.fixture.js';

const MAX_MESSAGE_CHARS = 700;

/** How a config is refused; undefined where it is taken. */
function refusalOf(json: Config): string | undefined {
  try {
    shapeOfConfig({ json, path: 'config.json' });
    return undefined;
  } catch (error) {
    if (!(error instanceof KvrError)) throw error;
    expect(['BAD_CHECKPOINT', 'UNSUPPORTED_MODEL']).toContain(error.code);
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(MAX_MESSAGE_CHARS);
    return error.message;
  }
}

const OF_NO_NUMBER = ['x', '', true, {}, [], [1], Number.NaN, -1, 1e308, Number.POSITIVE_INFINITY];
/** No value of that kind. */
const WRONG: Readonly<Record<KeyKind, readonly unknown[]>> = {
  count: [...OF_NO_NUMBER, 0.5, 2 ** 31, 2 ** 53],
  positive: [...OF_NO_NUMBER, 0],
  flag: ['x', 'true', 2, {}, [], Number.NaN, 1e308],
  text: [5, true, {}, [], 'relu6', 'x'.repeat(1000), Number.NaN],
  list: ['x', true, 4, {}, [Number.NaN], [1e308], ['x'], [{}]],
};

test.each(Object.entries(READ_KEYS))('%s refuses wrong values of each key that it reads', (type, keys) => {
  expect(refusalOf(configOf(type))).toBeUndefined();
  for (const [key, kind] of Object.entries(keys))
    for (const value of WRONG[kind]) {
      const shown = typeof value === 'number' ? String(value) : JSON.stringify(value).slice(0, 40);
      const message = refusalOf({ ...configOf(type), [key]: value }) ?? 'it is taken';
      expect(message, `${key} ${shown}`).toContain(key);
    }
});

test.each(Object.keys(READ_KEYS))('%s takes null for what a config need not say', (type) => {
  for (const key of ['head_dim', 'num_key_value_heads', 'hidden_act', 'rope_scaling', 'layer_types', 'sliding_window'])
    expect(refusalOf({ ...configOf(type), [key]: null }), key).toBeUndefined();
}); // prettier-ignore

test.each(Object.entries(READ_KEYS))('%s refuses by name what it does not do', (type, keys) => {
  for (const [key, value] of Object.entries(FIELD_KEYS)) {
    if (Object.hasOwn(keys, key) || isOf(type, key)) continue;
    const message = refusalOf({ ...configOf(type), [key]: value }) ?? 'it is taken';
    expect(message, key).toContain(key);
    expect(message).toContain(JSON.stringify(value).slice(0, 20).replaceAll('"', '\\"'));
  }
});

/** Values that are right there. */
function isOf(type: string, key: string): boolean {
  const right: Readonly<Record<string, readonly string[]>> = {
    qwen3: ['use_qk_norm'],
    qwen3_moe: ['use_qk_norm'],
    gpt_neox: ['partial_rotary_factor'],
    gpt_oss: ['quantization_config'],
  };
  return right[type]?.includes(key) ?? false;
}

const FACTORS = Array.from({ length: 8 }, () => 1);
const SCALINGS: Readonly<Record<string, Config>> = {
  linear: { factor: 2 },
  dynamic: { factor: 2 },
  llama3: { factor: 2, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
  yarn: { factor: 2 },
  longrope: { short_factor: FACTORS, long_factor: FACTORS },
};
const OPTIONAL: Config = { beta_fast: 32, beta_slow: 1, attention_factor: 1, mscale: 1, truncate: true };

test.each(Object.entries(SCALINGS))('%s scaling without a part, or with a wrong one, is refused', (kind, parts) => {
  for (const holder of ['rope_scaling', 'rope_parameters']) {
    const told = (change: Config) =>
      refusalOf({ ...configOf('llama'), [holder]: { rope_type: kind, ...parts, ...change } });
    expect(told({})).toBeUndefined();
    for (const key of Object.keys(kind === 'yarn' ? { ...parts, ...OPTIONAL } : parts))
      for (const value of ['x', {}, Number.NaN, -1, 1e308, [7, 'x'], ...(key in parts ? [undefined, null] : [])])
        expect(told({ [key]: value }) ?? 'it is taken', `${key} ${JSON.stringify(value)}`).toContain(`${holder}.${key}`);
  }
}); // prettier-ignore

test.each<[parameters: unknown, message: RegExp]>([
  [{ rope_type: 'proportional' }, /rope scaling proportional is not supported; supported: none, linear/],
  [{ factor: 8 }, /rope scaling without a type/],
  [{ short_factor: FACTORS, long_factor: FACTORS }, /rope scaling without a type/],
  [{ rope_type: 'longrope', short_factor: FACTORS, long_factor: [1] }, /rope_scaling.long_factor is \[1\].* 8 factors/],
  [{ rope_type: 'longrope', short_factor: FACTORS, long_factor: FACTORS, long_mscale: 1.2 }, /rope_scaling.long_mscale 1.2/],
  [{ rope_type: 'yarn', factor: 2, beta_fast: 1, beta_slow: 32 }, /beta_fast is 1: it must be above beta_slow/],
  [{ rope_type: 'yarn', factor: 2, rope_theta: 1 }, /rope_theta 1 with yarn/],
  [{ rope_type: 'yarn', factor: 2, llama_4_scaling_beta: 0.1 }, /rope_scaling.llama_4_scaling_beta 0.1/],
  [{ rope_type: 'linear', factor: 2, partial_rotary_factor: 0.5 }, /partial_rotary_factor 0.5 of a llama/],
  [{ rope_type: 'default', type: 'longrope' }, /rope_type default beside type longrope/],
  ['linear', /rope_scaling is "linear"/],
  [[], /rope_scaling is \[\]/],
])('rope_scaling %j is refused', (parameters, message) => {
  expect(refusalOf({ ...configOf('llama'), rope_scaling: parameters })).toMatch(message);
}); // prettier-ignore

test('a base that grows with the prompt needs more than one pair', () => {
  const scaling = { rope_type: 'dynamic', factor: 2 };
  expect(refusalOf({ ...configOf('llama'), head_dim: 2, rope_scaling: scaling })).toMatch(
    /dynamic of 2 turned/,
  );
});

test('positions of each type of layer are only for the family that has them', () => {
  const local = { rope_type: 'default', rope_theta: 5000 };
  const byType = { full_attention: { rope_type: 'linear', factor: 2 }, sliding_attention: local };
  expect(refusalOf({ ...configOf('llama'), rope_parameters: byType })).toMatch(/rope_parameters full_attention, sliding/);
  expect(refusalOf({ ...configOf('gemma3_text'), rope_parameters: byType })).toBeUndefined();
  const partial = { ...byType, sliding_attention: { ...local, partial_rotary_factor: 0.25 } };
  expect(refusalOf({ ...configOf('gemma3_text'), rope_parameters: partial })).toMatch(
    /rope_parameters.sliding_attention.partial_rotary_factor 0.25/,
  );
}); // prettier-ignore

test('a layer with a window that has no size, and a window that layer_types denies, are refused', () => {
  const local = Array.from({ length: 4 }, () => 'sliding_attention');
  for (const type of ['llama', 'qwen2', 'smollm3'])
    expect(refusalOf({ ...configOf(type), layer_types: local })).toMatch(/layer_types.0 sliding_attention/);
  const full = { layer_types: local.map(() => 'full_attention'), sliding_window: 8 };
  expect(refusalOf({ ...configOf('starcoder2'), ...full })).toMatch(/layer_types.0 full_attention/);
  expect(refusalOf({ ...configOf('mistral'), ...full })).toBeUndefined();
});

test('a list of a million entries is refused in a short line, and takes no memory for it', () => {
  const huge = Array.from({ length: 1_000_000 }, () => 'full_attention');
  const before = process.memoryUsage().heapUsed;
  for (const key of ['layer_types', 'hidden_size', 'sliding_window'])
    expect(refusalOf({ ...configOf('mistral'), [key]: huge })).toContain(`${key} is ["full_attention"`);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(128e6);
});

test('layers in a list of another length are refused', () => {
  expect(refusalOf({ ...configOf('smollm3'), no_rope_layers: [1, 0] })).toMatch(/no_rope_layers.*4 entries/);
  expect(refusalOf({ ...configOf('smollm3'), no_rope_layers: [] })).toMatch(/no_rope_layers.*4 entries/);
});

test.each<[change: Config, message: RegExp]>([
  [{ quantization_config: { quant_method: 'fp8' } }, /quantization_config .*fp8/],
  [{ model_type: 'paligemma' }, /paligemma \(prompts that see what comes after\)/],
])('beside a text_config %j is seen', (change, message) => {
  const outer = { model_type: 'llava', text_config: configOf('llama') };
  expect(refusalOf(outer)).toBeUndefined();
  expect(refusalOf({ ...outer, ...change })).toMatch(message);
});
