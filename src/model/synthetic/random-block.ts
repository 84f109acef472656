/**
 * Random weights that cost a copy: one seeded block of values that every matrix reads from a place of its
 * own, round and round. Equal seeds give equal values. Knows no model.
 */
import { createHash } from 'node:crypto';
import type { WeightMatrix } from '../../core/checkpoint.js';

/** A prime near 2^20, so that no two rows of a matrix are alike whatever its width. */
const BLOCK_ELEMENTS = 1_048_573;
/** Half the width of a uniform distribution with a standard deviation of 0.02, which models are initialised with. */
const AMPLITUDE = 0.02 * Math.sqrt(3);

/** @returns uniform values in ±AMPLITUDE by the mulberry32 generator. */
export function randomBlock(seed: number): Float32Array {
  const block = new Float32Array(BLOCK_ELEMENTS);
  let state = seed | 0;
  for (let i = 0; i < BLOCK_ELEMENTS; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    block[i] = (((bits ^ (bits >>> 14)) >>> 0) / 2 ** 31 - 1) * AMPLITUDE;
  }
  return block;
}

/** A matrix of the block's values; its name chooses where in the block it begins. */
export function randomMatrix(block: Float32Array, name: string, rows: number, columns: number): WeightMatrix {
  const origin = createHash('sha256').update(name).digest().readUInt32LE(0);
  const read = async (start: number, end: number): Promise<Float32Array> =>
    copyRound(block, (origin + start * columns) % block.length, (end - start) * columns);
  return { rows, columns, read };
}

/** A vector of ones, as the weight of a norm. */
export function onesVector(columns: number): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> =>
    new Float32Array((end - start) * columns).fill(1);
  return { rows: 1, columns, read };
}

/** A vector of zeros, as the bias of a norm. */
export function zerosVector(columns: number): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> =>
    new Float32Array((end - start) * columns);
  return { rows: 1, columns, read };
}

function copyRound(block: Float32Array, start: number, elements: number): Float32Array {
  const out = new Float32Array(elements);
  let from = start;
  for (let at = 0; at < elements; from = 0) {
    const run = block.subarray(from, from + Math.min(elements - at, block.length - from));
    out.set(run, at);
    at += run.length;
  }
  return out;
}
