/**
 * llama.cpp's own API, beside OpenAI's: completions, filling in, tokens, and the state of the server.
 */
import { answerRoute } from '../http/answer-route.js';
import { embedRoute } from '../routes/embed-route.js';
import { jsonRoute } from '../routes/json-route.js';
import type { Api } from '../http/route.js';
import { COMPLETION, INFILL } from './completion.js';
import { EMBEDDING } from './embedding.js';
import { errorBody } from './error-body.js';
import { health, props, slots } from './state.js';
import { applyTemplate, detokenize, tokenize } from './tokens.js';

export function llamacppApi(): Api {
  return {
    errorBody,
    routes: [
      answerRoute('/completion', COMPLETION),
      answerRoute('/infill', INFILL),
      embedRoute('/embedding', EMBEDDING),
      jsonRoute('/tokenize', tokenize),
      jsonRoute('/detokenize', detokenize),
      jsonRoute('/apply-template', applyTemplate),
      { method: 'GET', path: '/props', handler: props },
      { method: 'GET', path: '/slots', handler: slots },
      { method: 'GET', path: '/health', handler: health, isOpen: true },
      { method: 'GET', path: '/v1/health', handler: health, isOpen: true },
    ],
  };
}
