/**
 * Weights as small integers. Pure. A weight is [out, in] f32, rows are output channels.
 *
 * Blocks: every run of `blockSize` inputs of a row shares one scale; layout of MatMulNBits, [out, blocks, bytes].
 * Channels: every row has one scale, for products of int8 weights with int8 activations.
 */

/** Bits a weight, and inputs that share a scale. */
export type BlockFormat = { readonly bits: 4 | 8; readonly blockSize: number };

export type BlockWeights = {
  /** [rows, blocks, blockSize·bits/8]; stored value minus 2^(bits-1), times the scale, is the weight. */
  readonly packed: Uint8Array;
  /** [rows, blocks] */
  readonly scales: Float32Array;
};

/** @param values [rows, columns]; a last block that is not full is padded with zeros. */
export function quantizeBlocks(values: Float32Array, columns: number, format: BlockFormat): BlockWeights {
  const { bits, blockSize } = format;
  const rows = values.length / columns;
  const blocks = Math.ceil(columns / blockSize);
  const bytes = (blockSize * bits) / 8;
  const packed = new Uint8Array(rows * blocks * bytes).fill(bits === 8 ? 0x80 : 0x88);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0, at = 0; row < rows; row++) {
    const end = (row + 1) * columns;
    for (let start = row * columns; start < end; start += blockSize, at++) {
      const stop = Math.min(end, start + blockSize);
      if (bits === 8) scales[at] = packBytes(values, start, stop, packed, at * bytes);
      else {
        const block = values.subarray(start, stop);
        const scale = bestScale(block);
        scales[at] = scale;
        packNibbles(block, scale, packed, at * bytes);
      }
    }
  }
  return { packed, scales };
}

/** 8 bits: the largest magnitude of values [start, stop) becomes ±127. @returns the scale */
function packBytes(
  values: Float32Array,
  start: number,
  stop: number,
  packed: Uint8Array,
  at: number,
): number {
  let extreme = 0;
  for (let i = start; i < stop; i++) extreme = Math.max(extreme, Math.abs(values[i] as number));
  const scale = extreme === 0 ? 1 : extreme / 127;
  for (let i = start; i < stop; i++)
    packed[at + i - start] = Math.floor((values[i] as number) / scale + 0.5) + 128;
  return scale;
}

/** Codes with a sign, as they lie in packed blocks. @param codes whole blocks; of 4 bits, -8 to 7 */
export function packCodes(codes: Int8Array, bits: 4 | 8): Uint8Array {
  if (bits === 8) return Uint8Array.from(codes, (code) => code + 128);
  const packed = new Uint8Array(codes.length / 2);
  for (let i = 0; i < packed.length; i++) {
    packed[i] = ((codes[2 * i] as number) + 8) | (((codes[2 * i + 1] as number) + 8) << 4);
  }
  return packed;
}

function extremeOf(block: Float32Array): number {
  let extreme = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  return extreme;
}

/**
 * Codes that the value of largest magnitude is tried at: -8, the end of the range that has one step more, and places
 * around it. Beyond the range it is clipped, which can leave the many small values closer to theirs.
 */
const EXTREME_CODES = [-9.5, -9, -8.5, -8, -7.5, -7, 7, 7.5, 8];

/**
 * 4 bits: for every candidate the codes are fixed, and the scale that fits them best in the least squares is
 * Σ value·code / Σ code²; the candidate with the least squared error wins, which is the one with the largest
 * (Σ value·code)² / Σ code².
 */
function bestScale(block: Float32Array): number {
  const extreme = extremeOf(block);
  if (extreme === 0) return 1;
  let best = 0;
  let scale = extreme / -8;
  for (const extremeCode of EXTREME_CODES) {
    const inverse = extremeCode / extreme;
    let products = 0;
    let squares = 0;
    for (let i = 0; i < block.length; i++) {
      const value = block[i] as number;
      const code = Math.min(7, Math.max(-8, Math.round(value * inverse)));
      products += value * code;
      squares += code * code;
    }
    if (products * products > best * squares) {
      best = (products * products) / squares;
      scale = products / squares;
    }
  }
  return scale;
}

function packNibbles(block: Float32Array, scale: number, packed: Uint8Array, at: number): void {
  for (let i = 0; i < block.length; i++) {
    const code = Math.min(15, Math.max(0, Math.round((block[i] as number) / scale) + 8));
    const byte = at + (i >> 1);
    if (i % 2 === 0) packed[byte] = ((packed[byte] as number) & 0xf0) | code;
    else packed[byte] = ((packed[byte] as number) & 0x0f) | (code << 4);
  }
}

/** Rows that are quantised before they are turned: 64 × 64 bytes of them and of the target stay in the first-level cache. */
const TILE = 64;

/**
 * Rows into columns from `firstRow` on of a [columns, rows] int8 matrix, the layout products want.
 * @param values [count, columns]
 */
export function quantizeChannels(
  values: Float32Array,
  columns: number,
  target: { readonly weights: Int8Array; readonly scales: Float32Array },
  firstRow: number,
): void {
  const count = values.length / columns;
  const codes = new Int8Array(TILE * columns);
  for (let start = 0; start < count; start += TILE) {
    const tile = Math.min(TILE, count - start);
    for (let row = 0; row < tile; row++) {
      const from = (start + row) * columns;
      const source = values.subarray(from, from + columns);
      target.scales[firstRow + start + row] = quantizeRow(
        source,
        codes.subarray(row * columns, (row + 1) * columns),
      );
    }
    turnInto(codes, tile, columns, target, firstRow + start);
  }
}

/** @returns the row's scale */
function quantizeRow(row: Float32Array, codes: Int8Array): number {
  let extreme = 0;
  for (let i = 0; i < row.length; i++) extreme = Math.max(extreme, Math.abs(row[i] as number));
  const scale = extreme === 0 ? 1 : extreme / 127;
  const inverse = 1 / scale;
  for (let i = 0; i < row.length; i++) codes[i] = Math.round((row[i] as number) * inverse);
  return scale;
}

/** codes [tile, columns] into columns [column, column + tile) of weights [columns, rows]. */
function turnInto(
  codes: Int8Array,
  tile: number,
  columns: number,
  { weights, scales }: { readonly weights: Int8Array; readonly scales: Float32Array },
  column: number,
): void {
  const rows = scales.length;
  for (let k0 = 0; k0 < columns; k0 += TILE) {
    const k1 = Math.min(columns, k0 + TILE);
    for (let k = k0; k < k1; k++) {
      const to = k * rows + column;
      for (let row = 0; row < tile; row++) weights[to + row] = codes[row * columns + k] as number;
    }
  }
}
