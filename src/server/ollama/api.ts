/**
 * Ollama's API: chats, completions, embeddings, and what its clients ask about models. Models are not fetched or changed by it.
 */
import { KvrError } from '../../core/errors.js';
import { answerRoute } from '../http/answer-route.js';
import { embedRoute } from '../routes/embed-route.js';
import { jsonRoute } from '../routes/json-route.js';
import type { Api, Route } from '../http/route.js';
import { OLLAMA_CHAT } from './chat.js';
import { OLLAMA_EMBED, OLLAMA_EMBEDDINGS } from './embed.js';
import { errorBody } from './error-body.js';
import { OLLAMA_GENERATE } from './generate.js';
import { listRunning, listTags, showModel, showVersion } from './models.js';

/** What changes the models that are there. */
const CHANGES: readonly Pick<Route, 'method' | 'path'>[] = [
  { method: 'POST', path: '/api/pull' },
  { method: 'POST', path: '/api/push' },
  { method: 'POST', path: '/api/create' },
  { method: 'POST', path: '/api/copy' },
  { method: 'DELETE', path: '/api/delete' },
];

export function ollamaApi(): Api {
  return {
    errorBody,
    routes: [
      answerRoute('/api/chat', OLLAMA_CHAT),
      answerRoute('/api/generate', OLLAMA_GENERATE),
      embedRoute('/api/embed', OLLAMA_EMBED),
      embedRoute('/api/embeddings', OLLAMA_EMBEDDINGS),
      jsonRoute('/api/show', showModel),
      { method: 'GET', path: '/api/tags', handler: listTags },
      { method: 'GET', path: '/api/ps', handler: listRunning },
      { method: 'GET', path: '/api/version', handler: showVersion },
      ...CHANGES.map((change) => ({ ...change, handler: refuseChange })),
    ],
  };
}

function refuseChange(): never {
  const message =
    'models are not changed over HTTP; fetch one with: kvr pull ORG/NAME, and start a server with it';
  throw new KvrError('NOT_FOUND', message);
}
