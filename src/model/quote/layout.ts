/**
 * The sizes of the `quote` model and the meaning of each place of its residual stream; docs/quote.md explains them.
 * Used by the files of this folder alone.
 */

/** Raised with every change of a weight, a file or a token id: it is part of the cache's path. */
export const QUOTE_VERSION = 2;

/** Ids 0 to 255 are the bytes themselves. */
export const BYTES = 256;
export const BEGIN_ID = 256;
export const END_ID = 257;
export const VOCABULARY = 258;

export const LAYERS = 3;
export const HIDDEN = 256;
export const HEADS = 4;
export const HEAD_DIM = 256;
/** Not used (all zero); 32 is the smallest size that block-wise quantisation can divide. */
export const FEED_FORWARD = 32;
export const CONTEXT_TOKENS = 32_768;
/** Of an answer for which no limit is asked. */
export const USUAL_TOKENS = 1024;
export const NORM_EPSILON = 1e-6;

/** Signs of a token's match code: its eight bits and their parity. */
export const MATCH_SIGNS = 9;
/** Signs of a token's copy code. */
export const COPY_SIGNS = 36;
/** Slot h holds the match code of the token h places back; slot 0 is the token's own. */
const SLOTS = 20;
/** Tokens that are compared: a place's last WINDOW tokens with the WINDOW tokens before another place. */
export const WINDOW = SLOTS - 1;

/** Layer 0 copies slot 0 from 1, 2 and 3 tokens back, which fills slots 1 to 3. */
export const NEAR_SLOTS = 4;
export const NEAR_OFFSETS: readonly number[] = [1, 2, 3];
/** Layer 1 copies slots 0 to 3 from 4, 8, 12 and 16 tokens back, which fills slots 4 to 19. */
export const FAR_OFFSETS: readonly number[] = [4, 8, 12, 16];

/** First place of the stream of each part; every part in use holds signs, ±1. */
export const slotAt = (slot: number): number => slot * MATCH_SIGNS;
export const COPY_AT = slotAt(SLOTS);
export const QUOTE_AT = COPY_AT + COPY_SIGNS;
/** Always one: what queries and keys that depend on the position alone are made of. */
export const CONSTANT_AT = QUOTE_AT + COPY_SIGNS;

/** How many places of the stream hold ±1 (the others 0) when layer 0, 1, 2 and the head read it. */
const TOKEN_SIGNS = MATCH_SIGNS + COPY_SIGNS + 1;
const FULL_SIGNS = SLOTS * MATCH_SIGNS + COPY_SIGNS + 1;
export const SIGNS_BEFORE_LAYER: readonly number[] = [
  TOKEN_SIGNS,
  TOKEN_SIGNS + NEAR_OFFSETS.length * MATCH_SIGNS,
  FULL_SIGNS,
];
export const SIGNS_BEFORE_HEAD = FULL_SIGNS + COPY_SIGNS;

/** Frequencies run from 1 to nearly 1e-18 radians per token: some pairs tell positions, the others do not move. */
export const ROTARY_THETA = 1e18;
/** Pairs below this one turn by 0.06 radians or more within the context and tell positions. */
export const POSITION_PAIRS = 42;
export const ROTARY_PAIRS = HEAD_DIM / 2;

/** Radians per token of a rotary pair. */
export function rotaryFrequency(pair: number): number {
  return ROTARY_THETA ** (-pair / ROTARY_PAIRS);
}
