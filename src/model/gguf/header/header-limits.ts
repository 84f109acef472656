/**
 * How much the head of a GGUF file may hold. Files are hostile: what is counted here is checked before anything of
 * that size is made.
 */

/** Metadata and the list of tensors. Gemma 3's, the largest in common use, has about 16 MB. */
export const MAX_HEAD_BYTES = 48_000_000;
/** Files in use have about 50. */
export const MAX_KEYS = 4096;
export const MAX_KEY_BYTES = 1024;
/** The longest strings are chat templates, of about 20 KB; the tokenizer takes no longer ones. */
export const MAX_STRING_BYTES = 1024 * 1024;
/** One array; the largest known vocabularies have 262,144 tokens and twice as many merges. */
export const MAX_ARRAY_LENGTH = 1_000_000;
/** All arrays together: an element takes some 50 bytes of memory at most, beside its own text. */
export const MAX_ARRAY_ELEMENTS = 4_000_000;
/** The format's own limit is 64 bytes. */
export const MAX_TENSOR_NAME_BYTES = 256;
/** The format's own limit. */
export const MAX_DIMENSIONS = 4;
/** Data begin at a multiple of this. */
export const DEFAULT_ALIGNMENT_BYTES = 32;
export const MAX_ALIGNMENT_BYTES = 65_536;
