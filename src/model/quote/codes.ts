/**
 * The two codes of a token, both rows of signs: the match code says what a token is, in few places, the copy code
 * in more, so that a blend of several tokens can still be told apart. Pure. Called by tensors.ts.
 */
import { BEGIN_ID, BYTES, COPY_SIGNS, MATCH_SIGNS } from './layout.js';

/** Any two bytes differ in at least two of nine signs. @returns [MATCH_SIGNS] of ±1 */
export function matchCode(id: number): Float32Array {
  if (id >= BEGIN_ID) return beginCode();
  const signs = Float32Array.from({ length: MATCH_SIGNS - 1 }, (_, bit) => ((id >> bit) & 1 ? 1 : -1));
  const minusSigns = signs.filter((sign) => sign < 0).length;
  return Float32Array.of(...signs, minusSigns % 2 === 0 ? 1 : -1);
}

/** All bits and the wrong parity: no byte's code, and those nearest to it do not occur in English text. */
function beginCode(): Float32Array {
  const code = new Float32Array(MATCH_SIGNS).fill(1);
  code[MATCH_SIGNS - 1] = -1;
  return code;
}

/** Two copy codes agree in at most 24 and at least 12 of 36 signs; smaller bounds take long to find. */
const MAX_PRODUCT = 12;
const SEED = 0x6b767261;

/** Random signs, drawn again where they resemble an earlier code. @returns one [COPY_SIGNS] of ±1 for each byte and for begin */
export function copyCodes(): readonly Float32Array[] {
  const random = randomBits(SEED);
  const codes: Float32Array[] = [];
  while (codes.length < BYTES + 1) {
    const code = Float32Array.from({ length: COPY_SIGNS }, () => (random() ? 1 : -1));
    if (codes.every((other) => Math.abs(product(code, other)) <= MAX_PRODUCT)) codes.push(code);
  }
  return codes;
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Bits of a 32-bit xorshift (shifts 13, 17, 5: full period). */
function randomBits(seed: number): () => boolean {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state < 0;
  };
}
