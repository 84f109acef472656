/**
 * A family of models as data: the types of config.json that it takes, the keys that it reads, and what it makes of them.
 */
import type { z } from 'zod';
import type { LinearWeights } from '../../core/checkpoint.js';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import { checkJson } from '../checkpoint/json-file.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import { type CommonConfig, readCommon } from './common-config.js';
import { type ConfigFile, MAX_CONTEXT_TOKENS } from './config-limits.js';
import { checkKeys, checkLayerTypes, ReadTensors } from './guard.js';
import { LayerTensors } from './layer-tensors.js';
import { type LayerReaders, layerWeights } from './layer-weights.js';
import type { ModelParts } from './model-parts.js';
import { withRotaryShare } from './rotary-parameters.js';
import { LLAMA_NAMES, type TensorNames } from './tensor-names.js';

export type Family = {
  /** As messages name it. */
  readonly name: string;
  /** What config.json calls it in model_type. */
  readonly types: readonly string[];
  /** What a config describes, as if its files had all that it names. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
  shape(file: ConfigFile): ModelShape;
  /** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
  read(file: ConfigFile, tensors: TensorSource): ModelParts;
};

/** What a family makes of its config. */
export type FamilyModel = {
  readonly norm: 'rms' | 'layer';
  readonly epsilon: number;
  /** One a layer, or a few that repeat. */
  readonly specs: readonly LayerSpec[];
  /** Where tie_word_embeddings is not written; false unless given. */
  readonly isTied?: boolean;
  readonly embeddingScale?: number;
  readonly logitScale?: number;
  readonly logitCap?: number | undefined;
  readonly names?: TensorNames;
  /** 1 where norms are stored around zero. */
  readonly normOffset?: 0 | 1;
  /** Whether norms have a bias; layer norms do unless given. */
  readonly normBias?: boolean;
  readonly readers?: LayerReaders;
};

export type FamilyFacts<K extends z.ZodRawShape> = {
  readonly name: string;
  readonly types: readonly string[];
  /** Keys beyond common-config.ts. */
  readonly keys: z.ZodObject<K>;
  /** What a missing key means, where that is not what it means to others. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Common keys that this family writes under names of its own; what is null or undefined stays as written. */
  commonKeys?(own: z.infer<z.ZodObject<K>>): Readonly<Record<string, unknown>>;
  model(config: CommonConfig, own: z.infer<z.ZodObject<K>>): FamilyModel;
};

export function defineFamily<K extends z.ZodRawShape>(facts: FamilyFacts<K>): Family {
  const understand = (given: ConfigFile): Understood => {
    const file = { ...given, json: withRotaryShare({ ...facts.defaults, ...(given.json as object) }) };
    checkKeys(file, Object.keys(facts.keys.shape), facts.name);
    const own = checkJson(facts.keys, file.json, file.path);
    const common = readCommon({ ...file, json: { ...file.json, ...written(facts.commonKeys?.(own)) } });
    const model = facts.model(common, own);
    checkLayerTypes(common, model.specs);
    return { name: facts.name, common, model };
  };
  return {
    name: facts.name,
    types: facts.types,
    shape: (file) => shapeOf(understand(file), true),
    read: (file, source) => readParts(understand(file), source),
  };
}

type Understood = { readonly name: string; readonly common: CommonConfig; readonly model: FamilyModel };

/** What has a value. */
function written(keys: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(keys).filter(([, value]) => value !== null && value !== undefined),
  );
}

function readParts(understood: Understood, source: TensorSource): ModelParts {
  const { name, common, model } = understood;
  const tracked = new ReadTensors(source);
  const names = model.names ?? LLAMA_NAMES;
  const root =
    names.roots.find((each) => source.has(`${each}${names.embedding}.weight`)) ?? names.roots[0] ?? '';
  const options = {
    normOffset: model.normOffset ?? 0,
    normBias: model.normBias ?? model.norm === 'layer',
  } as const;
  const at = (prefix: string): LayerTensors => new LayerTensors(tracked.source, prefix, options);
  const headName = names.heads.find((each) => source.has(`${each}.weight`));
  const shape = shapeOf(understood, headName !== undefined);
  const readers = {
    attentionBias: common.attentionBias,
    mlpBias: common.mlpBias,
    ...model.readers,
  };
  const layers = Array.from({ length: shape.layers }, (_, index) => {
    const spec = shape.specs[index % shape.specs.length] as LayerSpec;
    const tensors = at(`${root}${names.layers}.${index}.`);
    return layerWeights({ tensors, names: names.layer, shape, spec, readers });
  });
  const embedding = at(root).linear(names.embedding, shape.vocabulary, shape.hidden, false).weight;
  const parts = {
    shape,
    embedding,
    finalNorm: at(root).norm(names.finalNorm, shape.hidden),
    head: shape.tiedHead ? { weight: embedding } : readHead(at(''), headName ?? names.heads[0] ?? '', shape),
    layers,
  };
  tracked.check(common.file.path, name);
  return parts;
}

/** The fewest specs that, one after the other and again, give each layer the same. */
function shortestPeriod(specs: readonly LayerSpec[]): readonly LayerSpec[] {
  // Most layers share a few objects, whose texts may be long.
  const known = new Map([...new Set(specs)].map((spec) => [spec, JSON.stringify(spec)]));
  const texts = specs.map((spec) => known.get(spec));
  const period = texts.findIndex(
    (_, length) => length > 0 && texts.every((text, at) => text === texts[at % length]),
  );
  return period < 0 ? specs : specs.slice(0, period);
}

function readHead(tensors: LayerTensors, name: string, { vocabulary, hidden }: ModelShape): LinearWeights {
  return tensors.linear(name, vocabulary, hidden);
}

function shapeOf({ name, common, model }: Understood, hasHead: boolean): ModelShape {
  return {
    architecture: name,
    layers: common.layers,
    hidden: common.hidden,
    heads: common.heads,
    kvHeads: common.kvHeads,
    headDim: common.headDim,
    feedForward: common.feedForward,
    vocabulary: common.vocabulary,
    contextTokens: contextTokensOf(common, model),
    norm: model.norm,
    normEpsilon: model.epsilon,
    specs: shortestPeriod(model.specs),
    embeddingScale: model.embeddingScale ?? 1,
    logitScale: model.logitScale ?? 1,
    ...(model.logitCap !== undefined && { logitCap: model.logitCap }),
    tiedHead: (common.isTied ?? model.isTied ?? false) || !hasHead,
  };
}

/** Where the base of positions grows with the prompt, a model is made for prompts beyond the length that its config names. */
function contextTokensOf({ contextTokens }: CommonConfig, { specs }: FamilyModel): number {
  const scaling = specs[0]?.attention.rotary?.scaling;
  if (scaling?.kind !== 'dynamic') return contextTokens;
  return Math.min(MAX_CONTEXT_TOKENS, Math.floor(contextTokens * scaling.factor));
}
