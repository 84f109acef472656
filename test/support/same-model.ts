/**
 * Compares a GGUF file with the HuggingFace folder of the same model: the same shape, and the same weights bit by bit.
 */
import { expect } from 'vitest';
import type { WeightMatrix } from '../../src/core/checkpoint.js';
import { openCheckpoint } from '../../src/model/open.js';

export async function expectSameModel(plain: string, gguf: string, cacheFolder: string): Promise<void> {
  const [theirs, ours] = [
    await openCheckpoint(plain, { cacheFolder }),
    await openCheckpoint(gguf, { cacheFolder }),
  ];
  // A config that names no family of its own is a llama's.
  const { architecture: _ours, ...shape } = ours.shape;
  const { architecture: _theirs, ...expected } = theirs.shape;
  expect(shape).toEqual(expected);
  await expectSame(ours.embedding, theirs.embedding, 'embedding');
  await expectSame(ours.head, theirs.head, 'head');
  await expectSame(ours.finalNorm, theirs.finalNorm, 'finalNorm');
  for (let layer = 0; layer < ours.shape.layers; layer++)
    await expectSame(ours.layer(layer), theirs.layer(layer), `layer ${layer}`);
  await Promise.all([ours.close(), theirs.close()]);
}

const isMatrix = (value: object): value is WeightMatrix => 'read' in value && 'columns' in value;

/** The same parts, and the same values bit by bit. */
async function expectSame(ours: unknown, theirs: unknown, where: string): Promise<void> {
  if (typeof theirs !== 'object' || theirs === null) return expect([where, ours]).toEqual([where, theirs]);
  if (!isMatrix(theirs)) {
    const [a, b] = [ours as Record<string, unknown>, theirs as Record<string, unknown>];
    expect([where, Object.keys(a).sort()]).toEqual([where, Object.keys(b).sort()]);
    for (const key of Object.keys(b)) await expectSame(a[key], b[key], `${where}.${key}`);
    return;
  }
  const [a, b] = await Promise.all([ours as WeightMatrix, theirs].map((each) => each.read(0, each.rows)));
  // Where 1 + w is stored, w is not had back exactly, but 1 + w is.
  expect([
    where,
    Buffer.from((a as Float32Array).buffer).equals(Buffer.from((b as Float32Array).buffer)),
  ]).toEqual([where, true]);
}
