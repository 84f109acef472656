/**
 * A tiny model on the backend under test, ways to take rows through it, and how the results are compared.
 */
import { expect } from 'vitest';
import type { KvDtype } from '../../../core/shape.js';
import type { BackendModel } from '../backend.js';
import type { KvCache } from '../kv-cache.js';
import type { AttendedRows, StateRows } from '../rows.js';
import type { ReferencePass } from './reference-pass.test-support.js';
import { rowsOfBytes } from './wire-rows.test-support.js';

export const IDS = [5, 17, 3, 60, 41, 8, 8, 29, 12, 55, 2, 33];
/** Of logits about 3 large, and of keys about 1: what f32 sums of these widths leave. */
export const TOLERANCE = 2e-4;
/** Keys that f32 and f64 put on two sides of the middle between two numbers of a type differ by one step of it. */
const TOLERANCES: Readonly<Record<KvDtype, number>> = { f32: TOLERANCE, f16: 5e-3, q8: 4e-2 };

export type Held = {
  readonly model: BackendModel;
  readonly reference: ReferencePass;
  readonly kvDtype: KvDtype;
};
export type Last = { readonly rows: StateRows; readonly attended: AttendedRows };

/** Takes IDS [start, end) through all layers over a cache that holds what comes before. */
export async function runRows(
  model: BackendModel,
  cache: KvCache,
  start: number,
  end: number,
): Promise<Last> {
  let rows = await model.embed(Int32Array.from(IDS.slice(start, end)), {
    positions: start,
    promptTokens: IDS.length,
  });
  let attended: AttendedRows | undefined;
  for (let layer = 0; layer < model.shape.layers; layer++) {
    rows = await model.block(layer, rows, attended && { attended });
    const own = await model.takeKv(rows, cache.kvDtype);
    await cache.write(layer, start, own);
    attended = await model.attendSlice(rows, { cache, layer, start });
  }
  return { rows, attended: attended as AttendedRows };
}

/** All layers' rows of all tokens, and a cache with all of them. */
export async function wholeContext({ model, kvDtype }: Held) {
  const cache = await model.createCache(IDS.length, kvDtype);
  const layers: { readonly layer: number; readonly input: StateRows; readonly rows: StateRows }[] = [];
  let input = await model.embed(Int32Array.from(IDS), { positions: 0, promptTokens: IDS.length });
  let attended: AttendedRows | undefined;
  for (let layer = 0; layer < model.shape.layers; layer++) {
    const rows = await model.block(layer, input, attended && { attended });
    await cache.write(layer, 0, await model.takeKv(rows, kvDtype));
    attended = await model.attendSlice(rows, { cache, layer, start: 0 });
    layers.push({ layer, input, rows });
    input = rows;
  }
  return { cache, layers };
}

export async function expectCached({ model, reference, kvDtype }: Held, cache: KvCache, tokens: number) {
  for (const [layer, { keys, values }] of reference.layers.entries()) {
    const rows = cache.read(layer, 0, tokens);
    const got = rowsOfBytes(kvDtype, await rows.pack(0, tokens), model.shape.headDim);
    rows.release();
    const wanted = [...keys.slice(0, tokens), ...values.slice(0, tokens)].flatMap((row) => [...row]);
    expect(got).toHaveLength(2 * tokens * model.shape.kvHeads * model.shape.headDim);
    expectClose(got, wanted, toleranceOf(kvDtype));
  }
}

export function expectLogits({ kvDtype }: Held, logits: Float32Array, wanted: readonly Float64Array[]): void {
  expectClose(
    logits,
    wanted.flatMap((row) => [...row]),
    toleranceOf(kvDtype),
  );
}

function toleranceOf(kvDtype: KvDtype): number {
  return TOLERANCES[kvDtype];
}

export function expectClose(got: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  expect(got).toHaveLength(wanted.length);
  const gap = Array.from(got, (value, at) => Math.abs(value - (wanted[at] ?? NaN)));
  expect(Math.max(...gap)).toBeLessThan(tolerance);
}
