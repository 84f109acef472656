/**
 * Hostile GGUF files: cut off, with claims beyond any bound, with tensors that lie over each other or outside, with wrong
 * values for every key that is read. Each is refused in one line, and none takes memory for what it claims.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../../test/reference/random.js';
import {
  type GgufContent,
  ggufBytes,
  type GgufTensor,
  type GgufValue,
  text,
  u32,
  u64,
} from '../../../test/support/gguf-writer.js';
import { smallGguf, smallKeys } from '../../../test/support/small-gguf.js';
import { KvrError } from '../../core/errors.js';
import { openCheckpoint } from '../open.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-hostile-gguf-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CODES = ['BAD_CHECKPOINT', 'UNSUPPORTED_MODEL'];
const MAX_MESSAGE_CHARS = 700;

/** What opening a file of these bytes ends in; undefined where it opens. */
async function faultOf(bytes: Uint8Array, name = 'model.gguf'): Promise<KvrError | undefined> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  try {
    const checkpoint = await openCheckpoint(path, { cacheFolder: join(folder, 'cache') });
    await checkpoint.close();
    return undefined;
  } catch (error) {
    if (!(error instanceof KvrError)) throw error;
    expect(CODES).toContain(error.code);
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(MAX_MESSAGE_CHARS);
    return error;
  }
}

const messageOf = async (content: GgufContent): Promise<string> =>
  (await faultOf(ggufBytes(content)))?.message ?? 'it opens';

test('the file that all others here are made of is sound', async () => {
  expect(await faultOf(ggufBytes(smallGguf()))).toBeUndefined();
});

test('cut off at 60 random places, and at every place of its first 64 bytes, it is refused', async () => {
  const bytes = ggufBytes(smallGguf());
  const random = seededRandom(12);
  const places = Array.from({ length: 60 }, () => random.below(bytes.length - 32));
  for (const place of [...Array(64).keys(), ...places]) {
    const fault = await faultOf(bytes.subarray(0, place));
    expect([place, fault?.code]).toEqual([place, 'BAD_CHECKPOINT']);
  }
});

test('with random bytes changed in its head it opens, or is refused in one line', async () => {
  const sound = ggufBytes(smallGguf());
  const random = seededRandom(5);
  const before = process.memoryUsage().rss;
  let refused = 0;
  for (let i = 0; i < 150; i++) {
    const bytes = Buffer.from(sound);
    const changes = 1 + random.below(3);
    for (let j = 0; j < changes; j++)
      bytes[random.below(2300)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    if (await faultOf(bytes)) refused++;
  }
  expect(refused).toBeGreaterThan(40);
  expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
});

const HUGE = 2n ** 60n;
const typed = (type: number, ...parts: Buffer[]) => ({ type, bytes: Buffer.concat(parts) });
/** An array that claims more elements than it has. */
const claims = (type: number, count: bigint) => typed(9, u32(type), u64(count));
const head = (tensors: bigint, keys: bigint, ...rest: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(keys), ...rest, Buffer.alloc(4096)]);

test.each<[what: string, bytes: () => Buffer, message: RegExp]>([
  ['no GGUF', () => Buffer.from('GGML and some more bytes of it'), /does not begin with "GGUF"/],
  ['an empty file', () => Buffer.alloc(0), /its 0 bytes: it is cut off/],
  ['version 1', () => Buffer.concat([Buffer.from('GGUF'), u32(1), Buffer.alloc(64)]), /GGUF version 1 is not supported; supported: .*2 and 3/],
  ['a big-endian file', () => Buffer.concat([Buffer.from('GGUF'), Buffer.from([0, 0, 0, 3]), Buffer.alloc(64)]), /big-endian/],
  ['2^60 tensors', () => head(HUGE, 0n), /claims 1152921504606846976 tensors, the most is 65536/],
  ['2^60 keys', () => head(0n, HUGE), /claims 1152921504606846976 metadata keys, the most is 4096/],
  ['a key of 2^60 bytes', () => head(0n, 1n, u64(HUGE)), /metadata key's name has 1152921504606846976 bytes, the most is 1024/],
  ['a text of 2^63 bytes', () => head(0n, 1n, text('a'), u32(8), u64(2n ** 63n)), /"a" has 9223372036854775808 bytes, the most is 1048576/],
  ['a text beyond the file', () => head(0n, 1n, text('a'), u32(8), u64(9000)), /cut off/],
  ['an array of 10^12 numbers', () => head(0n, 1n, text('a'), u32(9), u32(4), u64(10n ** 12n)), /claims 1000000000000 elements in "a", the most is 1000000/],
  ['an array of arrays', () => head(0n, 1n, text('a'), u32(9), u32(9), u64(1)), /an array of arrays/],
  ['a type of 77', () => head(0n, 1n, text('a'), u32(77)), /"a" is of type 77, the last known is 12/],
  ['a key called __proto__', () => head(0n, 1n, text('__proto__'), u32(4), u32(1)), /"__proto__" does not begin with a letter/],
  ['two keys of one name', () => head(0n, 2n, text('a'), u32(4), u32(1), text('a')), /two metadata keys "a"/],
  ['a tensor of 5 dimensions', () => head(1n, 0n, text('t'), u32(5)), /"t" has 5 dimensions, it must have 1 to 4/],
  ['a tensor without dimensions', () => head(1n, 0n, text('t'), u32(0)), /"t" has 0 dimensions/],
  ['two tensors of one name', () => head(2n, 0n, text('t'), u32(1), u64(1), u32(0), u64(0), text('t')), /two tensors "t"/],
  ['a tensor of a long name', () => head(1n, 0n, text('t'.repeat(300))), /name has 300 bytes, the most is 256/],
])('%s is refused', async (_what, bytes, message) => {
  expect((await faultOf(bytes()))?.message).toMatch(message);
}); // prettier-ignore

/** The tensor of this name, changed. */
const changed =
  (name: string, change: Partial<GgufTensor>) =>
  (tensors: GgufTensor[]): GgufTensor[] =>
    tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));
const UP = 'blk.0.ffn_up.weight';

test.each<[what: string, change: (tensors: GgufTensor[]) => GgufTensor[], message: RegExp]>([
  ['overlap', changed(UP, { offset: 32n }), /overlaps the one before it by \d+ bytes/],
  ['lie outside', changed(UP, { offset: 2n ** 40n }), /ends at byte \d+, the file has \d+: it is cut off/],
  ['lie outside, with an offset near 2^64', changed(UP, { offset: 2n ** 64n - 32n }), /ends at byte 18446744073709\d+/],
  ['begin between multiples of 32', changed(UP, { offset: 33n }), /begins at 33, no multiple of 32/],
  ['leave room', changed(UP, { data: new Float32Array(64 * 32 + 64) }), /256 bytes before tensor "blk.0.ffn_down.weight" belong to no tensor/],
  ['are of no known kind', changed(UP, { kind: 16 }), /"blk.0.ffn_up.weight" of kind 16 is not supported; supported: F32, .*Q4_K/],
  ['are of kind 2^32 - 1', changed(UP, { kind: 0xffffffff }), /not supported/],
  ['have a size of 0', changed(UP, { sizes: [32n, 0n] }), /no size may be 0/],
  ['have sizes of 2^60', changed(UP, { sizes: [2n ** 60n, 2n ** 60n] }), /parsed|more than|exceeds/],
  ['have rows that are no whole blocks', changed(UP, { kind: 12 }), /rows of 32, no multiple of 256, the block of Q4_K/],
  ['have other sizes than the metadata', changed(UP, { sizes: [32n, 32n] }), /belong to no tensor|makes model.layers.0.mlp.up_proj.weight \[32, 32\], its metadata \[64, 32\]/],
  ['have too many dimensions', changed(UP, { sizes: [32n, 32n, 2n] }), /\[2, 32, 32\], its metadata \[64, 32\]/],
  ['are missing', (tensors) => tensors.filter(({ name }) => name !== 'output_norm.weight'), /no tensor for model.norm.weight \[32\]/],
  ['are without an embedding', (tensors) => tensors.slice(1), /no tensor token_embd.weight/],
  ['are not part of such a model', changed(UP, { name: 'blk.0.ffn_sideways.weight' }), /"blk.0.ffn_sideways.weight" in architecture llama is not supported/],
  ['have a name without an ending', changed(UP, { name: 'blk.0.ffn_up' }), /"blk.0.ffn_up" in architecture llama/],
  ['belong to a layer too many', (tensors) => [...tensors, { name: 'blk.7.attn_norm.weight', shape: [32], data: new Float32Array(32) }], /no place|layers.7/],
])('tensors that %s are refused', async (_what, change, message) => {
  expect(await messageOf(smallGguf({}, change))).toMatch(message);
}); // prettier-ignore

const i64 = (value: bigint) => typed(10, u64(value));
const f64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return typed(12, bytes);
};
/** A list of truths. */
const truths = (...values: number[]) => typed(9, u32(7), u64(values.length), Buffer.from(values));
const NUMBERS = Object.entries(smallKeys())
  .filter(([, value]) => typeof value === 'number')
  .map(([key]) => key);

/** No token is written as -1, and frequencies may have a base of 2^53. */
function isAllowed(key: string, value: GgufValue): boolean {
  if (typeof value !== 'object' || !('type' in value)) return false;
  return (key.endsWith('_token_id') && value.type === 5) || (key.endsWith('freq_base') && value.type === 12);
}

test.each(NUMBERS)(
  '%s is refused with a text, NaN, 2^60, a negative number and 2^53 in its place',
  async (key) => {
    for (const value of ['many', f64(NaN), i64(HUGE), typed(5, u32(0xffffffff)), f64(2 ** 53), [1, 2]]) {
      const told = await messageOf(smallGguf({ [key]: value }));
      if (isAllowed(key, value)) continue;
      expect([key, told]).not.toEqual([key, 'it opens']);
    }
  },
);

test.each<[what: string, keys: Parameters<typeof smallGguf>[0], message: RegExp]>([
  ['no architecture', { 'general.architecture': undefined }, /without general.architecture is not supported; supported: llama, qwen2/],
  ['an unknown architecture', { 'general.architecture': 'rwkv7' }, /architecture "rwkv7" is not supported; supported: llama, .*gpt-oss/],
  ['an architecture that is a number', { 'general.architecture': 7 }, /"general.architecture" is "7", it must be a string/],
  ['no length of context', { 'llama.context_length': undefined }, /"llama.context_length" is missing/],
  ['no epsilon', { 'llama.attention.layer_norm_rms_epsilon': undefined }, /layer_norm_rms_epsilon" is missing/],
  ['no number of layers', { 'llama.block_count': undefined }, /"llama.block_count" is missing, it must be a whole number from 1 to/],
  ['an alignment of 48', { 'general.alignment': 48 }, /alignment is 48, it must be a power of two up to 65536/],
  ['an alignment of 0', { 'general.alignment': 0 }, /general.alignment must be a positive integer/],
  ['a soft cap', { 'llama.attn_logit_softcapping': 50 }, /llama.attn_logit_softcapping 50 is not supported; supported: 0/],
  ['shared experts', { 'llama.expert_shared_count': 2 }, /expert_shared_count 2 is not supported/],
  ['rows that see what comes after', { 'llama.attention.causal': false }, /llama.attention.causal false is not supported; supported: true/],
  ['experts that are chosen by sigmoid', { 'llama.expert_gating_func': 2 }, /llama.expert_gating_func 2 is not supported; supported: 0 or 1 or 3/],
  ['dense layers before those with experts', { 'llama.leading_dense_block_count': 1 }, /leading_dense_block_count 1/],
  ['a part of each head that is turned', { 'llama.rope.dimension_count': 4 }, /llama.rope.dimension_count 4 is not supported; supported: 16/],
  ['windows for more layers than there are', { 'llama.attention.sliding_window': 4, 'llama.attention.sliding_window_pattern': truths(1, 0, 1) }, /sliding_window_pattern" has 3 entries, it must have/],
  ['sizes that differ between layers', { 'llama.feed_forward_length': [64, 32] }, /differs between layers/],
  ['an unknown rope scaling', { 'llama.rope.scaling.type': 'spiral' }, /rope scaling spiral/],
  ['a tokenizer of another kind', { 'tokenizer.ggml.model': 'bert' }, /tokenizer.ggml.model "bert" is not supported; supported: llama, gpt2/],
  ['more tokens than rows', { 'tokenizer.ggml.tokens': Array.from({ length: 13 }, (_, i) => `t${i}`) }, /tokens has 13 entries, it must have 1 to 12/],
  ['fewer scores than tokens', { 'tokenizer.ggml.scores': [1, 2] }, /scores has 2 entries, it must have the 12 tokens/],
  ['tokens that are numbers', { 'tokenizer.ggml.tokens': [1, 2, 3] }, /"tokenizer.ggml.tokens" is a list of 3, it must be a list of strings/],
  ['a claim of 2^60 tokens', { 'tokenizer.ggml.tokens': claims(8, HUGE) }, /claims 1152921504606846976 elements in "tokenizer.ggml.tokens"/],
  ['an end token that is none', { 'tokenizer.ggml.eos_token_id': 12 }, /eos_token_id is 12, it must be a whole number from 0 to 11/],
  ['an unknown way to cut words', { 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'klingon', 'tokenizer.ggml.merges': ['a b'] }, /tokenizer.ggml.pre "klingon" is not supported; supported: .*llama-bpe/],
  ['tokens that no merges can be found of', { 'tokenizer.ggml.tokens': [...Array.from({ length: 11 }, (_, i) => `t${i}`), 'x'.repeat(60_000)] }, /steps to find the merges of, the most is 500000000/],
  ['a part of a split model', { 'split.count': 3, 'split.no': 0 }, /split.count is 3, with the parts that its name tells of it must be 1/],
])('%s is refused', async (_what, keys, message) => {
  expect(await messageOf(smallGguf(keys))).toMatch(message);
}); // prettier-ignore

test.each<[what: string, pattern: GgufValue, windowTokens: number | undefined]>([
  ['a number', 2, 4],
  ['a number of 1, which is none', 1, undefined],
  ['a list', truths(1), 4],
  ['a list of none', truths(0), undefined],
])('which layers have the window is read from %s', async (_, pattern, windowTokens) => {
  const keys = { 'llama.attention.sliding_window': 4, 'llama.attention.sliding_window_pattern': pattern };
  const path = join(folder, 'windows.gguf');
  writeFileSync(path, ggufBytes(smallGguf(keys)));
  const checkpoint = await openCheckpoint(path, { cacheFolder: join(folder, 'cache') });
  expect(checkpoint.shape.specs[0]?.attention.windowTokens).toBe(windowTokens);
  await checkpoint.close();
});

test('a folder, a file that is not there, and a part without its others are told apart', async () => {
  const opening = (name: string) => openCheckpoint(join(folder, name), { cacheFolder: folder });
  await expect(opening('nowhere.gguf')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  const part = ggufBytes(smallGguf({ 'split.count': 2, 'split.no': 0 }));
  expect((await faultOf(part, 'm-00001-of-00002.gguf'))?.message).toMatch(
    /m-00002-of-00002.gguf can not be opened/,
  );
  expect((await faultOf(part, 'm-00001-of-99999.gguf'))?.message).toMatch(
    /99999 parts, there may be 1 to 512/,
  );
});
