/**
 * Weights in the MX format of 4-bit floats: 32 values share an exponent. Layout of published gpt-oss files: `_blocks` u8
 * [experts, rows, columns/32, 16] with value 2k in the low half of byte k, `_scales` u8 [experts, rows, columns/32].
 */
import type { WeightMatrix } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { TensorSource } from '../checkpoint/safetensors.js';

const BLOCK = 32;
const BLOCK_BYTES = BLOCK / 2;
/** E2M1: a sign, two bits of exponent, one of fraction. */
const VALUES = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6);
const EXPONENT_BIAS = 127;

type Sizes = { readonly count: number; readonly rows: number; readonly columns: number };

/** All experts' rows, one below the other. @throws BAD_CHECKPOINT */
export function mxfp4Matrix(
  source: TensorSource,
  name: string,
  { count, rows, columns }: Sizes,
): WeightMatrix {
  if (columns % BLOCK !== 0)
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${name}: rows of ${columns} are no whole blocks of ${BLOCK}; fetch the checkpoint again`,
    );
  const perRow = columns / BLOCK;
  const blocks = source.bytes(`${name}_blocks`, [count, rows, perRow, BLOCK_BYTES]);
  const scales = source.bytes(`${name}_scales`, [count, rows, perRow]);
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const [packed, exponents] = await Promise.all([
      blocks.read(start * perRow * BLOCK_BYTES, end * perRow * BLOCK_BYTES),
      scales.read(start * perRow, end * perRow),
    ]);
    return unpack(packed, exponents);
  };
  return { rows: count * rows, columns, read };
}

function unpack(packed: Uint8Array, exponents: Uint8Array): Float32Array {
  const values = new Float32Array(2 * packed.length);
  for (let at = 0; at < packed.length; at++) {
    const byte = packed[at] as number;
    const scale = 2 ** ((exponents[Math.floor(at / BLOCK_BYTES)] as number) - EXPONENT_BIAS);
    values[2 * at] = scale * (VALUES[byte & 15] as number);
    values[2 * at + 1] = scale * (VALUES[byte >> 4] as number);
  }
  return values;
}
