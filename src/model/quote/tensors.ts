/**
 * All weights of the `quote` model under the names HuggingFace gives a Llama. Nothing is trained: each value
 * follows from layout.ts, the codes and the two kinds of attention. Called by write.ts.
 */
import type { TensorToWrite } from '../checkpoint/safetensors-writer.js';
import { matchAttention, shiftAttention } from './attention.js';
import type { AttentionWeights } from './attention.js';
import { copyCodes, matchCode } from './codes.js';
import * as layout from './layout.js';
import { Matrix } from './matrix.js';

/** The logit of a token that is quoted with certainty; another token's is at most a third of it. */
const QUOTED_LOGIT = 30;

/** The same on every machine and in every run. */
export function quoteTensors(): TensorToWrite[] {
  const codes = copyCodes();
  const attentions = [
    shiftAttention(layout.NEAR_OFFSETS, 1),
    shiftAttention(layout.FAR_OFFSETS, layout.NEAR_SLOTS),
    matchAttention(),
  ];
  return [
    tensor('model.embed_tokens.weight', embedding(codes)),
    ...attentions.flatMap((weights, layer) => layerTensors(layer, weights)),
    norm('model.norm.weight', layout.SIGNS_BEFORE_HEAD),
    tensor('lm_head.weight', head(codes)),
  ];
}

/** A token is its match code, its copy code and the constant. End looks like begin. */
function embedding(codes: readonly Float32Array[]): Matrix {
  const matrix = new Matrix(layout.VOCABULARY, layout.HIDDEN);
  for (let id = 0; id < layout.VOCABULARY; id++) {
    matrix.setRow(id, layout.slotAt(0), matchCode(id));
    matrix.setRow(id, layout.COPY_AT, copyCodeOf(codes, id));
    matrix.set(id, layout.CONSTANT_AT, 1);
  }
  return matrix;
}

/** A logit is the likeness of the quoted code and the token's. Quoting begin means there is nothing to quote: the end. */
function head(codes: readonly Float32Array[]): Matrix {
  const matrix = new Matrix(layout.VOCABULARY, layout.HIDDEN);
  for (let id = 0; id < layout.VOCABULARY; id++) {
    const sign = id === layout.BEGIN_ID ? -1 : 1;
    matrix.setRow(id, layout.QUOTE_AT, copyCodeOf(codes, id), (sign * QUOTED_LOGIT) / layout.COPY_SIGNS);
  }
  return matrix;
}

function copyCodeOf(codes: readonly Float32Array[], id: number): Float32Array {
  return codes[Math.min(id, layout.BEGIN_ID)] ?? new Float32Array(layout.COPY_SIGNS);
}

function layerTensors(layer: number, { q, k, v, o }: AttentionWeights): TensorToWrite[] {
  const at = (name: string): string => `model.layers.${layer}.${name}.weight`;
  const signs = layout.SIGNS_BEFORE_LAYER[layer] ?? 0;
  const wide = new Matrix(layout.FEED_FORWARD, layout.HIDDEN);
  return [
    norm(at('input_layernorm'), signs),
    tensor(at('self_attn.q_proj'), q),
    tensor(at('self_attn.k_proj'), k),
    tensor(at('self_attn.v_proj'), v),
    tensor(at('self_attn.o_proj'), o),
    norm(at('post_attention_layernorm'), signs),
    tensor(at('mlp.gate_proj'), wide),
    tensor(at('mlp.up_proj'), wide),
    tensor(at('mlp.down_proj'), new Matrix(layout.HIDDEN, layout.FEED_FORWARD)),
  ];
}

/** Undoes the division by the root mean square of a row with so many signs, so that signs stay ±1. */
function norm(name: string, signs: number): TensorToWrite {
  const rootMeanSquare = Math.sqrt(signs / layout.HIDDEN + layout.NORM_EPSILON);
  return { name, shape: [layout.HIDDEN], data: new Float32Array(layout.HIDDEN).fill(rootMeanSquare) };
}

function tensor(name: string, { rows, columns, data }: Matrix): TensorToWrite {
  return { name, shape: [rows, columns], data };
}
