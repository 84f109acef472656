/**
 * What llama.cpp's clients ask of the server: /health, /props and /slots.
 */
import { KvrError } from '../../core/errors.js';
import type { HttpContext, ServerContext } from '../http/context.js';

/** Open to all: 200 while requests can be answered. @throws CLOSED else */
export function health(c: HttpContext, { running, engine }: ServerContext): Response {
  const isUsable = engine.members.some(({ status }) => status === 'usable');
  if (running.isClosing || !isUsable)
    throw new KvrError('CLOSED', 'no request can be answered now; try again later');
  return c.json({ status: 'ok' });
}

/** Places are not tied to conversations here: as many count as taken as requests run. */
export function slots(c: HttpContext, { engine, ledger }: ServerContext): Response {
  const busy = ledger.activeCount(['prefill', 'decode']);
  const { contextTokens } = engine.model.shape;
  const all = Array.from({ length: slotCount(engine) }, (_, id) => ({
    id,
    n_ctx: contextTokens,
    speculative: false,
    is_processing: id < busy,
  }));
  if (c.req.query('fail_on_no_slot') !== undefined && all.every((slot) => slot.is_processing))
    throw new KvrError('BUSY', 'no slot available');
  return c.json(all);
}

export function props(c: HttpContext, { engine, settings }: ServerContext): Response {
  const { name, shape, tokenizer } = engine.model;
  return c.json({
    default_generation_settings: {
      id: 0,
      n_ctx: shape.contextTokens,
      speculative: false,
      is_processing: false,
      params: { n_predict: -1, seed: 0xffff_ffff, temperature: 1, top_k: 0, top_p: 1, min_p: 0, stop: [] },
    },
    total_slots: slotCount(engine),
    // Where it lies is nobody's business.
    model_path: name,
    model_alias: name,
    chat_template: tokenizer.toolTemplate ?? '',
    modalities: { vision: false, audio: false },
    build_info: `kv-runahead ${settings.version}`,
    is_sleeping: false,
  });
}

function slotCount({ settings }: ServerContext['engine']): number {
  return settings.maxRunning;
}
