/**
 * The logits of every row of a window, in this process, without a chain: what a prompt's last row gets, for all rows.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { KvDtype } from '../../core/shape.js';
import { KvCache } from '../../runtime/cpu/cache/kv-cache.js';
import type { Model } from '../../runtime/cpu/model.js';
import { rotaryTable } from '../../runtime/cpu/rotary.js';

/** Rows whose logits are held at once: 64 × 128,000 × 4 bytes are 33 MB. */
const PANEL_ROWS = 64;

/** logits [rows, vocabulary] of the rows [start, start + rows). */
export type Panel = { readonly start: number; readonly logits: Float32Array };

/**
 * Panels in order, valid until the next one is asked for. Kernel calls hold the thread; between them it is free.
 * @param kvDtype what keys and values are rounded to before anything attends to them, as in a chain
 * @throws CANCELLED
 */
export async function* windowLogits(
  model: Model,
  ids: Int32Array,
  kvDtype: KvDtype,
  checkStop: () => void,
): AsyncGenerator<Panel> {
  const { shape } = model;
  const rotary = rotaryTable(shape, 0, ids.length);
  // Nothing is read again after a layer is done, so one layer's room is enough.
  const cache = new KvCache({ ...shape, layers: 1 }, ids.length, kvDtype);
  let hidden = await model.embed(ids);
  let attended: Float32Array | undefined;
  for (let layer = 0; layer < shape.layers; layer++) {
    await turn();
    checkStop();
    const output = await model.block(layer, attended ? { hidden, attended } : { hidden }, rotary, 0);
    cache.write(0, 0, await model.rounding.rows(output, kvDtype));
    attended = await model.attention.slice(cache, 0, 0, output);
    hidden = output.hidden;
  }
  const width = shape.heads * shape.headDim;
  for (let start = 0; start < ids.length; start += PANEL_ROWS) {
    await turn();
    checkStop();
    const end = Math.min(ids.length, start + PANEL_ROWS);
    const rows = hidden.subarray(start * shape.hidden, end * shape.hidden);
    yield {
      start,
      logits: await model.logits(rows, (attended as Float32Array).subarray(start * width, end * width)),
    };
  }
}
