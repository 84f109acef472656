/**
 * OpenAI's API but for /v1/responses, which has a folder of its own: chats, completions and the list of models.
 */
import { answerRoute } from '../http/answer-route.js';
import { embedRoute } from '../routes/embed-route.js';
import type { Api } from '../http/route.js';
import { CHAT } from './chat.js';
import { COMPLETIONS } from './completions.js';
import { EMBEDDINGS } from './embeddings.js';
import { errorBody } from './error-body.js';
import { listModels, showModel } from './models.js';

export function openaiApi(): Api {
  return {
    errorBody,
    routes: [
      answerRoute('/v1/chat/completions', CHAT),
      answerRoute('/v1/completions', COMPLETIONS),
      embedRoute('/v1/embeddings', EMBEDDINGS),
      { method: 'GET', path: '/v1/models', handler: listModels },
      // Models are named after folders and files, whose names may hold slashes.
      { method: 'GET', path: '/v1/models/:id{.+}', handler: showModel },
    ],
  };
}
