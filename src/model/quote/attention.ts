/**
 * The weights of the two kinds of attention in the `quote` model: heads that look a fixed number of tokens back,
 * and the head that looks for the place whose past resembles the present. Called by tensors.ts.
 */
import * as layout from './layout.js';
import { Matrix } from './matrix.js';

export type AttentionWeights = {
  readonly q: Matrix;
  readonly k: Matrix;
  readonly v: Matrix;
  readonly o: Matrix;
};

/**
 * The score of the right place over its neighbours' is 0.99 times this (the position pairs' cosines one token off):
 * 14 leaves them a millionth. Far places score lower still.
 */
const OFFSET_SHARPNESS = 14;
/** Score of one equal token, nearest and farthest. A token that differs in two of nine signs costs 4/9 of it, */
const NEAREST_MATCH_SCORE = 120;
const FARTHEST_MATCH_SCORE = 72;
/** so that the preference for near places, at most this, decides among equal matches only. */
const NEARNESS_SCORE = 16;

/** Attention divides scores by √headDim. */
const SCORE_SCALE = Math.sqrt(layout.HEAD_DIM);

/** Heads that each attend to the token `offsets[head]` back and copy its first `slots` slots to the slots from offset on. */
export function shiftAttention(offsets: readonly number[], slots: number): AttentionWeights {
  const weights = emptyAttention();
  const size = Math.sqrt(OFFSET_SHARPNESS * SCORE_SCALE);
  for (const [head, offset] of offsets.entries()) {
    for (let pair = 0; pair < layout.POSITION_PAIRS; pair++)
      addOffsetQuery(weights.q, head, offset, pair, size);
  }
  for (let pair = 0; pair < layout.POSITION_PAIRS; pair++) weights.k.set(pair, layout.CONSTANT_AT, size);
  for (let i = 0; i < slots * layout.MATCH_SIGNS; i++) weights.v.set(i, layout.slotAt(0) + i, 1);
  for (const [head, offset] of offsets.entries()) {
    for (let i = 0; i < slots * layout.MATCH_SIGNS; i++) {
      weights.o.set(layout.slotAt(offset) + i, head * layout.HEAD_DIM + i, 1);
    }
  }
  return weights;
}

/** Turned back by `offset` positions, the query points along the key of the token that far behind. */
function addOffsetQuery(q: Matrix, head: number, offset: number, pair: number, size: number): void {
  const angle = -offset * layout.rotaryFrequency(pair);
  const row = head * layout.HEAD_DIM + pair;
  q.set(row, layout.CONSTANT_AT, size * Math.cos(angle));
  q.set(row + layout.ROTARY_PAIRS, layout.CONSTANT_AT, size * Math.sin(angle));
}

/** Head 0 finds the place whose earlier tokens equal the latest ones here, and copies the token at that place. */
export function matchAttention(): AttentionWeights {
  const weights = emptyAttention();
  for (let back = 0; back < layout.WINDOW; back++) addTokenMatch(weights, back);
  addNearness(weights);
  for (let i = 0; i < layout.COPY_SIGNS; i++) {
    weights.v.set(i, layout.COPY_AT + i, 1);
    weights.o.set(layout.QUOTE_AT + i, i, 1);
  }
  return weights;
}

/** The token `back` places behind the query meets the token `back + 1` places behind the key. */
function addTokenMatch({ q, k }: AttentionWeights, back: number): void {
  const falling = (NEAREST_MATCH_SCORE - FARTHEST_MATCH_SCORE) * (back / (layout.WINDOW - 1));
  const product = ((NEAREST_MATCH_SCORE - falling) / layout.MATCH_SIGNS) * SCORE_SCALE;
  const keySize = Math.sqrt((NEAREST_MATCH_SCORE / layout.MATCH_SIGNS) * SCORE_SCALE);
  for (let i = 0; i < layout.MATCH_SIGNS; i++) {
    const row = stillRow(back * layout.MATCH_SIGNS + i);
    q.set(row, layout.slotAt(back) + i, product / keySize);
    k.set(row, layout.slotAt(back + 1) + i, keySize);
  }
}

/** The head's places that turn least, slowest first; both places of a rotary pair are used. */
function stillRow(index: number): number {
  const pair = layout.ROTARY_PAIRS - 1 - (index >> 1);
  return pair + (index & 1) * layout.ROTARY_PAIRS;
}

/**
 * Cosines with amplitudes as 1/√frequency add up to a score that falls nearly as the square root of the distance,
 * by NEARNESS_SCORE over the whole context.
 */
function addNearness({ q, k }: AttentionWeights): void {
  const pairs = Array.from({ length: layout.POSITION_PAIRS }, (_, pair) => pair);
  const amplitudes = pairs.map((pair) => 1 / Math.sqrt(layout.rotaryFrequency(pair)));
  const fall = pairs.reduce((sum, pair) => {
    const angle = layout.CONTEXT_TOKENS * layout.rotaryFrequency(pair);
    return sum + (amplitudes[pair] ?? 0) * (1 - Math.cos(angle));
  }, 0);
  for (const [pair, amplitude] of amplitudes.entries()) {
    const size = Math.sqrt(amplitude * (NEARNESS_SCORE / fall) * SCORE_SCALE);
    q.set(pair, layout.CONSTANT_AT, size);
    k.set(pair, layout.CONSTANT_AT, size);
  }
}

function emptyAttention(): AttentionWeights {
  const width = layout.HEADS * layout.HEAD_DIM;
  return {
    q: new Matrix(width, layout.HIDDEN),
    k: new Matrix(layout.HEAD_DIM, layout.HIDDEN),
    v: new Matrix(layout.HEAD_DIM, layout.HIDDEN),
    o: new Matrix(layout.HIDDEN, width),
  };
}
