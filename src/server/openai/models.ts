/**
 * GET /v1/models: the one model that is served.
 */
import type { HttpContext, ServerContext } from '../http/context.js';
import { capabilitiesOf } from '../model/capabilities.js';
import { requireModel } from '../model/named-engine.js';

/** When this process began to serve it: what a checkpoint's own age is, it does not say. */
const CREATED_S = Math.floor(Date.now() / 1000);

export function listModels(c: HttpContext, server: ServerContext): Response {
  const model = modelObject(server);
  // The latter are how Anthropic's API tells pages of a list.
  return c.json({ object: 'list', data: [model], has_more: false, first_id: model.id, last_id: model.id });
}

/** @throws NOT_FOUND */
export function showModel(c: HttpContext, server: ServerContext): Response {
  requireModel(c.req.param('id') ?? '', namesOf(server));
  return c.json(modelObject(server));
}

function namesOf({ engine, settings }: ServerContext): readonly string[] {
  return settings.aliases ?? [engine.model.name];
}

/** With the fields in which vLLM, llama.cpp, LM Studio and others tell the context's length. */
function modelObject(server: ServerContext) {
  const { model } = server.engine;
  const { name: id, shape, parameters } = model;
  return {
    id,
    object: 'model',
    created: CREATED_S,
    owned_by: 'kv-runahead',
    aliases: namesOf(server).filter((name) => name !== id),
    // As Anthropic's API has them.
    ...{ type: 'model', display_name: id, created_at: new Date(CREATED_S * 1000).toISOString() },
    max_model_len: shape.contextTokens,
    context_length: shape.contextTokens,
    capabilities: capabilitiesOf(model),
    meta: {
      n_vocab: shape.vocabulary,
      n_ctx_train: shape.contextTokens,
      n_embd: shape.hidden,
      n_params: parameters,
    },
  };
}
