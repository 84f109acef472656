/**
 * Fields that many documents have, each with its bound. Written with zod/mini, which the page is bundled with.
 */
import * as z from 'zod/mini';

/** More than any name, message or piece of text that is sent in one go. */
const MAX_TEXT_CHARS = 1_000_000;

export const text = z.string().check(z.maxLength(MAX_TEXT_CHARS));
/** A whole number from 0 to 2³² − 1: a rank, a token's place, a number of tokens. */
export const index = z.uint32();
export const milliseconds = z.number().check(z.minimum(0));
export const bytes = z.number().check(z.minimum(0));
/** A range of tokens. */
export const slice = z.readonly(z.tuple([index, index]));
