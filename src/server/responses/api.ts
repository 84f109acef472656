/**
 * OpenAI's newer API: /v1/responses, and what can be asked of a response afterwards.
 */
import type { Dialect } from '../answers/dialect.js';
import { answerRoute } from '../http/answer-route.js';
import type { HttpContext } from '../http/context.js';
import type { Api } from '../http/route.js';
import { errorBody } from '../openai/error-body.js';
import { unsupported } from '../requests/refusal.js';
import type { ResponsesRequest } from './asked.js';
import { responseDocument } from './document.js';
import { responseStream } from './event-stream.js';
import { inputPage } from './input-page.js';
import { ID_PREFIX } from './items.js';
import { parseResponses } from './request.js';
import { ResponseStore } from './store.js';

export function responsesApi(): Api {
  const store = new ResponseStore();
  const path = '/v1/responses';
  return {
    errorBody,
    routes: [
      answerRoute(path, responsesDialect(store)),
      { method: 'GET', path: `${path}/:id`, handler: (c) => c.json(shown(c, store)) },
      { method: 'DELETE', path: `${path}/:id`, handler: (c) => c.json(removed(c, store)) },
      {
        method: 'GET',
        path: `${path}/:id/input_items`,
        handler: (c) => c.json(inputPage(store.input(idOf(c)), idOf(c), c.req.query())),
      },
      {
        method: 'POST',
        path: `${path}/:id/cancel`,
        handler: async (c) => c.json(await store.cancel(idOf(c))),
      },
    ],
  };
}

export function responsesDialect(store: ResponseStore): Dialect<ResponsesRequest> {
  return {
    idPrefix: ID_PREFIX,
    parse: (body, engine, signal) => parseResponses(body, store, engine, signal),
    begun: (run, ended) => store.follow(run, ended),
    whole: (run) => responseDocument(run),
    stream: responseStream,
  };
}

function shown(c: HttpContext, store: ResponseStore): object {
  if (c.req.query('stream') === 'true')
    throw unsupported('stream', 'is not supported here: ask again until the status is another one');
  return store.document(idOf(c));
}

function removed(c: HttpContext, store: ResponseStore): object {
  const id = idOf(c);
  store.remove(id);
  return { id, object: 'response', deleted: true };
}

function idOf(c: HttpContext): string {
  return c.req.param('id') ?? '';
}
