/**
 * The conformance suite of Backend: what every device must do alike, held against a plain f64 pass over tiny models. A
 * backend's test calls describeBackend with how it compiles and opens a checkpoint.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomCheckpoint } from '../../../../test/reference/random-checkpoint.js';
import { ROUNDINGS } from '../../../../test/reference/rounding.js';
import { asFalcon, TINY_LLAMA } from '../../../../test/reference/shapes.js';
import type { Checkpoint, LayerWeights } from '../../../core/checkpoint.js';
import { KV_DTYPES, type KvDtype, kvRowBytes, type ModelShape } from '../../../core/shape.js';
import type { BackendModel } from '../backend.js';
import { describeCaches } from './caches.test-support.js';
import { describeDecoding } from './decoding.test-support.js';
import { type Held, IDS } from './held-model.test-support.js';
import { type ReferencePass, referencePass } from './reference-pass.test-support.js';
import { describeSlices } from './slices.test-support.js';
import { rowsOfBytes } from './wire-rows.test-support.js';

export type ConformingBackend = {
  readonly name: string;
  /** Compiles a checkpoint for f32 weights and opens it, where the backend has AllCoreDecode for that too. */
  readonly open: (checkpoint: Checkpoint) => Promise<BackendModel>;
};

const SHAPES: Readonly<Record<string, ModelShape>> = {
  'grouped heads': TINY_LLAMA,
  'a KV head for each query head': { ...TINY_LLAMA, kvHeads: 4 },
  'a parallel residual, one KV head': asFalcon(TINY_LLAMA),
};
export function describeBackend({ name, open }: ConformingBackend): void {
  describe.each(Object.entries(SHAPES))(`the ${name} backend with %s`, (_, shape) => {
    const checkpoint = randomCheckpoint(shape, 7);
    let model: BackendModel;
    const references = new Map<KvDtype, ReferencePass>();
    beforeAll(async () => {
      model = await open(checkpoint);
      for (const kvDtype of KV_DTYPES)
        references.set(kvDtype, await referencePass(checkpoint, IDS, ROUNDINGS[kvDtype]));
    });
    afterAll(() => model.close());

    describe.each(KV_DTYPES)('and %s keys and values', (kvDtype) => {
      const held = (): Held => ({ model, kvDtype, reference: references.get(kvDtype) as ReferencePass });
      describeSlices(held);
      describeCaches(held);
      describeDecoding(held);
    });

    test('says what model it is', () => {
      expect(model.shape).toEqual(shape);
      expect([model.dtype, model.digest]).toEqual(['f32', checkpoint.digest]);
      expect(model.weightBytes).toBeGreaterThan(4 * shape.vocabulary * shape.hidden);
    });

    test.each([-1, shape.vocabulary])('refuses token %i, which has no row', async (id) => {
      await expect(model.embed(Int32Array.of(id), { positions: 0, promptTokens: 1 })).rejects.toMatchObject({
        code: 'INTERNAL',
      });
    });

    test('what f16 can not hold becomes the largest number it holds', async () => {
      const loud = await open(withLoudValues(checkpoint));
      const rows = await loud.block(
        0,
        await loud.embed(Int32Array.from(IDS), { positions: 0, promptTokens: IDS.length }),
      );
      const own = await loud.takeKv(rows, 'f16');
      const numbers = rowsOfBytes('f16', await own.pack(0, IDS.length), shape.headDim);
      const values = numbers.slice(numbers.length / 2);
      expect(new Set(values.map(Math.abs))).toEqual(new Set([LARGEST_F16]));
      own.release();
      rows.release();
      await loud.close();
    });

    test('rows to measure with go through every kind of call', async () => {
      const cache = await model.createCache(8, 'f32', { layers: 1 });
      expect(cache.bytes).toBe(8 * kvRowBytes(shape, 'f32'));
      await cache.writePacked(0, 0, new Uint8Array(8 * kvRowBytes(shape, 'f32')));
      const made = await model.madeUpRows(4, 0);
      expect([made.states.count, made.attended.count]).toEqual([4, 4]);
      const last = await model.block(shape.layers - 1, made.states, { attended: made.attended });
      expect(last.count).toBe(4);
      const attended = await model.attendSlice(made.states, { cache, layer: 0, start: 4 });
      const logits = await model.logits(made.states.part(3, 4), attended.part(3, 4));
      expect(logits).toHaveLength(shape.vocabulary);
      expect(logits.every(Number.isFinite)).toBe(true);
      cache.close();
      for (const rows of [made.states, made.attended, last, attended]) {
        rows.release();
        rows.release();
      }
    });
  });
}

const LARGEST_F16 = 65_504;

/** The same model with values far beyond what f16 holds. */
function withLoudValues(checkpoint: Checkpoint): Checkpoint {
  const layer = (index: number): LayerWeights => {
    const weights = checkpoint.layer(index);
    const { weight } = weights.v;
    const read = async (start: number, end: number): Promise<Float32Array> =>
      (await weight.read(start, end)).map((value) => 1e12 * value);
    return { ...weights, v: { ...weights.v, weight: { ...weight, read } } };
  };
  return { ...checkpoint, digest: checkpoint.digest.replace(/^.{8}/, 'f16f16f1'), layer };
}
