/**
 * The logits of every row of a window, in this process, without a chain: what a prompt's last row gets, for all rows.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { KvDtype } from '../../core/shape.js';
import type { BackendModel } from '../../runtime/backend/backend.js';
import type { AttendedRows, StateRows } from '../../runtime/backend/rows.js';

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
  model: BackendModel,
  ids: Int32Array,
  kvDtype: KvDtype,
  checkStop: () => void,
): AsyncGenerator<Panel> {
  const { rows, attended } = await runLayers(model, ids, kvDtype, checkStop);
  try {
    for (let start = 0; start < ids.length; start += PANEL_ROWS) {
      await turn();
      checkStop();
      const end = Math.min(ids.length, start + PANEL_ROWS);
      yield { start, logits: await model.logits(rows.part(start, end), attended.part(start, end)) };
    }
  } finally {
    rows.release();
    attended.release();
  }
}

/** The window's rows as the last block left them, and their attention. */
async function runLayers(
  model: BackendModel,
  ids: Int32Array,
  kvDtype: KvDtype,
  checkStop: () => void,
): Promise<{ readonly rows: StateRows; readonly attended: AttendedRows }> {
  // Nothing is read again after a layer is done, so one layer's room is enough.
  const cache = await model.createCache(ids.length, kvDtype, { layers: 1 });
  let rows = await model.embed(ids, { positions: 0, promptTokens: ids.length });
  let attended: AttendedRows | undefined;
  try {
    for (let layer = 0; layer < model.shape.layers; layer++) {
      await turn();
      checkStop();
      const output = await model.block(layer, rows, attended && { attended });
      rows.release();
      attended?.release();
      rows = output;
      const own = await model.takeKv(rows, kvDtype);
      await cache.write(0, 0, own);
      own.release();
      attended = await model.attendSlice(rows, { cache, layer: 0, start: 0 });
    }
    return { rows, attended: attended as AttendedRows };
  } catch (error) {
    rows.release();
    attended?.release();
    throw error;
  } finally {
    cache.close();
  }
}
