/**
 * Parses `synthetic:NAME[,layers=N][,seed=S][,vocab=V][,context=C]` into a shape and a seed. Pure.
 */
import { KvrError } from '../../core/errors.js';
import { RUNNABLE_SHAPES } from '../../core/published-shapes.js';
import type { ModelShape } from '../../core/shape.js';
import { shapeOfConfig } from '../families/index.js';
import { PUBLISHED_CONFIGS } from './published-configs.js';

export const SYNTHETIC_PREFIX = 'synthetic:';

export type SyntheticSpec = {
  readonly shape: ModelShape;
  readonly seed: number;
  /** Every option written out in one order: equal texts mean equal models. */
  readonly canonical: string;
};

/** Options with the range each may be in, both ends included. */
const OPTIONS = {
  layers: [1, 1024],
  seed: [0, 2 ** 32 - 1],
  /** The byte tokenizer needs three special ids and at least one byte. */
  vocab: [4, 1_048_576],
  context: [2, 1_048_576],
} as const;
type Option = keyof typeof OPTIONS;

/** @throws BAD_INPUT for an unknown name or option */
export function parseSyntheticSpec(text: string): SyntheticSpec {
  const [name = '', ...parts] = text.slice(SYNTHETIC_PREFIX.length).split(',');
  const base = shapeNamed(name);
  const options = parseOptions(parts, text);
  const shape: ModelShape = {
    ...base,
    layers: options.get('layers') ?? base.layers,
    vocabulary: options.get('vocab') ?? base.vocabulary,
    // Random weights are for measuring, also at lengths the published model was not trained for.
    contextTokens: options.get('context') ?? 1_048_576,
  };
  const seed = options.get('seed') ?? 0;
  const canonical = `${SYNTHETIC_PREFIX}${name},layers=${shape.layers},seed=${seed},vocab=${shape.vocabulary},context=${shape.contextTokens}`;
  return { shape, seed, canonical };
}

function shapeNamed(name: string): ModelShape {
  const shape = RUNNABLE_SHAPES.get(name);
  if (shape !== undefined) return shape;
  const json = PUBLISHED_CONFIGS.get(name);
  if (json !== undefined) return shapeOfConfig({ json, path: `${SYNTHETIC_PREFIX}${name}` });
  const names = syntheticNames().join(', ');
  throw new KvrError('BAD_INPUT', `no synthetic model is called "${name}"; choose one of ${names}`);
}

/** Of all models that random weights are made for. */
function syntheticNames(): string[] {
  return [...RUNNABLE_SHAPES.keys(), ...PUBLISHED_CONFIGS.keys()];
}

function parseOptions(parts: readonly string[], text: string): Map<Option, number> {
  const options = new Map<Option, number>();
  for (const part of parts) {
    const [name = '', value = ''] = splitOnce(part);
    if (!isOption(name)) throw new KvrError('BAD_INPUT', `${text}: ${unknownOption(name)}`);
    if (options.has(name))
      throw new KvrError('BAD_INPUT', `${text}: option ${name} is given twice; give it once`);
    options.set(name, parseValue(name, value, text));
  }
  return options;
}

function splitOnce(part: string): [string, string] {
  const at = part.indexOf('=');
  return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
}

function isOption(name: string): name is Option {
  return Object.hasOwn(OPTIONS, name);
}

function unknownOption(name: string): string {
  return `no option is called "${name}"; choose from ${Object.keys(OPTIONS).join(', ')}, each as name=number`;
}

function parseValue(name: Option, value: string, text: string): number {
  const [least, most] = OPTIONS[name];
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new KvrError(
    'BAD_INPUT',
    `${text}: ${name} is "${value}"; give a whole number from ${least} to ${most}`,
  );
}
