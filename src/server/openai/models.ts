/**
 * GET /v1/models: the one model that is served.
 */
import { KvrError } from '../../core/errors.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import type { ServedEngine } from '../requests/settings.js';

/** When this process began to serve it: what a checkpoint's own age is, it does not say. */
const CREATED_S = Math.floor(Date.now() / 1000);

export function listModels(c: HttpContext, { engine }: ServerContext): Response {
  const model = modelObject(engine);
  // The latter are how Anthropic's API tells pages of a list.
  return c.json({ object: 'list', data: [model], has_more: false, first_id: model.id, last_id: model.id });
}

/** @throws NOT_FOUND */
export function showModel(c: HttpContext, { engine }: ServerContext): Response {
  const id = c.req.param('id') ?? '';
  if (id === engine.model.name) return c.json(modelObject(engine));
  const message = `there is no model "${id.slice(0, 60)}" here; GET /v1/models lists what there is`;
  throw new KvrError('NOT_FOUND', message, { reason: 'model_not_found' });
}

function modelObject({ model }: ServedEngine) {
  const { name: id, shape } = model;
  return {
    id,
    object: 'model',
    created: CREATED_S,
    owned_by: 'kv-runahead',
    // As Anthropic's API has them.
    ...{ type: 'model', display_name: id, created_at: new Date(CREATED_S * 1000).toISOString() },
    max_model_len: shape.contextTokens,
  };
}
