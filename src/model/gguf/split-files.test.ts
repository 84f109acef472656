/**
 * Split models: all parts are opened, whichever is named, and make the model that the whole file makes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GgufTensor, type GgufValue, writeGguf } from '../../../test/support/gguf-writer.js';
import { smallGguf, smallTensors } from '../../../test/support/small-gguf.js';
import { openCheckpoint } from '../open.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-split-gguf-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const partPath = (number: number): string => join(folder, `m-0000${number}-of-00002.gguf`);
const TOTAL = smallTensors().length;

function writeParts(
  first: Record<string, GgufValue> = {},
  second: Record<string, GgufValue> = {},
  change = (tensors: GgufTensor[]) => tensors,
): void {
  const split = { 'split.count': 2, 'split.tensors.count': TOTAL };
  writeGguf(
    partPath(1),
    smallGguf({ ...split, 'split.no': 0, ...first }, (all) => all.slice(0, 4)),
  );
  const keys = { ...split, 'split.no': 1, ...second };
  writeGguf(partPath(2), { keys, tensors: change(smallTensors().slice(4)) });
}

const open = (path: string) => openCheckpoint(path, { cacheFolder: join(folder, 'cache') });

test.each([1, 2])('part %i is as good as any other', async (number) => {
  writeParts();
  writeGguf(join(folder, 'whole.gguf'), smallGguf());
  const [whole, split] = [await open(join(folder, 'whole.gguf')), await open(partPath(number))];
  expect(split.shape).toEqual(whole.shape);
  const { down } = split.layer(0).mlp as { down: { weight: typeof whole.embedding } };
  const { down: expected } = whole.layer(0).mlp as { down: { weight: typeof whole.embedding } };
  expect(await down.weight.read(0, 32)).toEqual(await expected.weight.read(0, 32));
  expect(split.digest).not.toBe(whole.digest);
  await Promise.all([whole.close(), split.close()]);
});

test.each<[what: string, write: () => void, message: RegExp]>([
  ['of another number of parts', () => writeParts({}, { 'split.count': 3 }), /00002-of-00002.gguf: split.count is 3, .* must be 2/],
  ['that is another part', () => writeParts({}, { 'split.no': 0 }), /split.no is 0, .* must be 1/],
  ['that does not say which', () => writeParts({}, { 'split.no': 'last' }), /"split.no" is "last", it must be a number/],
  ['with a tensor of the first one', () => writeParts({}, {}, (tensors) => [...tensors.slice(1), ...smallTensors().slice(0, 1)]), /"token_embd.weight" is in two parts/],
  ['with a tensor too few', () => writeParts({}, {}, (tensors) => tensors.slice(1)), /split.tensors.count is 11, .* must be 10/],
])('a second part %s is refused', async (_what, write, message) => {
  write();
  await expect(open(partPath(1))).rejects.toThrow(message);
  await expect(open(partPath(1))).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
}); // prettier-ignore
