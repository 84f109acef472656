/**
 * Gemma 1, 2 and 3: norms around zero, embeddings by √hidden, heads of a width of their own.
 */
import type { LayerSpec } from '../../../src/core/layers/layer-spec.js';
import type { Random } from '../random.js';
import { type Draw, drawPositions, drawSizes, layerWith } from './draw.js';
import type { Drawn } from './drawn-model.js';
import { AROUND, llamaNames } from './layout.js';
import { eachLayer, local, usualKeys } from './llama-like.js';

const MLP = { mlp: { kind: 'gated', activation: 'gelu-tanh' } } as const;

/** A tied head, which these configs need not say. */
function tied(draw: Draw): { config: object; shape: Draw['shape'] } {
  const { tie_word_embeddings: _said, ...config } = usualKeys(draw) as Record<string, unknown>;
  return {
    config,
    shape: { ...draw.shape, tiedHead: true, embeddingScale: Math.sqrt(draw.shape.hidden) },
  };
}

export function gemma(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const { rotary, config } = drawPositions(draw);
  const base = tied(draw);
  return {
    config: { model_type: 'gemma', ...base.config, ...config, hidden_act: 'gelu' },
    shape: { ...base.shape, specs: [layerWith(draw, rotary, MLP)] },
    write: llamaNames(),
    normOffset: 1,
  };
}

/** Caps on scores and logits, which a config may leave out with null. */
function capsOf(random: Random): { score: number | null; logit: number | null; scalar: number } {
  return { score: random.pick([null, 3]), logit: random.pick([null, 5]), scalar: random.pick([7, 30]) };
}

function capped(spec: LayerSpec, { score, scalar }: ReturnType<typeof capsOf>): LayerSpec {
  const scale = scalar ** -0.5;
  return { ...spec, attention: { ...spec.attention, scale, ...(score !== null && { scoreCap: score }) } };
}

const capKeys = ({ score, logit, scalar }: ReturnType<typeof capsOf>): object => ({
  query_pre_attn_scalar: scalar,
  attn_logit_softcapping: score,
  final_logit_softcapping: logit,
});

export function gemma2(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true });
  const { rotary, config } = drawPositions(draw);
  const [base, caps, window] = [tied(draw), capsOf(random), random.pick([3, 13])];
  const spec = capped(layerWith(draw, rotary, { ...MLP, norms: 'around' }), caps);
  const said = { hidden_activation: 'gelu_pytorch_tanh', sliding_window: window };
  return {
    config: { model_type: 'gemma2', ...base.config, ...config, ...capKeys(caps), ...said },
    shape: {
      ...base.shape,
      specs: eachLayer(draw, (layer) => local(spec, layer % 2 === 0 ? window : undefined)),
      ...(caps.logit !== null && { logitCap: caps.logit }),
    },
    write: llamaNames(AROUND),
    normOffset: 1,
  };
}

export function gemma3(random: Random): Drawn {
  const draw = drawSizes(random, { ownHeadDim: true, layers: 4 });
  const full = drawPositions(draw);
  const [base, caps, window] = [tied(draw), capsOf(random), random.pick([3, 13])];
  const [pattern, localTheta] = [random.pick([2, 3]), random.pick([300, 10_000])];
  const around = (rotary: typeof full.rotary): LayerSpec => {
    const spec = capped(layerWith(draw, rotary, { ...MLP, norms: 'around' }), caps);
    return { ...spec, attention: { ...spec.attention, queryKeyNorm: 'head' } };
  };
  const turned = around({ ...full.rotary, theta: localTheta, scaling: { kind: 'none' } });
  const isFull = (layer: number): boolean => (layer + 1) % pattern === 0;
  return {
    config: {
      model_type: 'gemma3_text',
      ...base.config,
      ...full.config,
      ...capKeys(caps),
      rope_local_base_freq: localTheta,
      sliding_window: window,
      sliding_window_pattern: pattern,
    },
    shape: {
      ...base.shape,
      specs: eachLayer(draw, (layer) => (isFull(layer) ? around(full.rotary) : local(turned, window))),
      ...(caps.logit !== null && { logitCap: caps.logit }),
    },
    write: llamaNames(AROUND),
    normOffset: 1,
  };
}
