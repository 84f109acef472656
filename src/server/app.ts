/**
 * Which APIs there are, and what every request passes first: its number, its line in the log, the checks of who asks.
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { secureHeaders } from 'hono/secure-headers';
import { KvrError } from '../core/errors.js';
import { anthropicApi } from './anthropic/api.js';
import type { ErrorBody, HttpContext, HttpEnv, ServerContext } from './http/context.js';
import { errorResponse } from './http/failure.js';
import { hostCheck, keyCheck } from './http/guard.js';
import { logWhenOver } from './http/log.js';
import { type Page, SECURE_HEADERS, servePage } from './http/page.js';
import { pathReader } from './http/path.js';
import type { Api, Route } from './http/route.js';
import { kvrApi } from './kvr/api.js';
import { llamacppApi } from './llamacpp/api.js';
import { ollamaApi } from './ollama/api.js';
import { openaiApi } from './openai/api.js';
import { errorBody } from './openai/error-body.js';
import { responsesApi } from './responses/api.js';

/** A further API is a folder beside openai/, and its name here. */
const APIS: readonly (() => Api)[] = [openaiApi, responsesApi, anthropicApi, ollamaApi, llamacppApi, kvrApi];

/** What clients in other origins' pages may read beside the body: the number of a request, and when to ask again. */
const EXPOSED_HEADERS = ['X-Request-Id', 'Retry-After', 'X-Should-Retry', 'X-Kvr-Ignored', 'X-Kvr-Loosened'];

export function buildApp(server: ServerContext, page: Page): Hono<HttpEnv> {
  const { corsOrigins } = server.settings;
  const apis = APIS.map((open) => open());
  const paths = apis.flatMap(({ routes }) => routes.map(({ path }) => path));
  const app = new Hono<HttpEnv>({ getPath: pathReader(paths) });
  app.use(secureHeaders(SECURE_HEADERS));
  addEntry(app, server);
  if (corsOrigins.length > 0) app.use(cors({ origin: [...corsOrigins], exposeHeaders: EXPOSED_HEADERS }));
  for (const api of apis) addApi(app, api, server);
  app.get('*', async (c, next) => servePage(c, page) ?? (await next()));
  app.notFound((c) => errorResponse(c, missing(c)));
  app.onError((error, c) => errorResponse(c, error));
  return app;
}

/** What every request passes. */
function addEntry(app: Hono<HttpEnv>, { settings, log, running }: ServerContext): void {
  const checkHost = hostCheck(settings.host, settings.allowedHosts);
  app.use(async (c, next) => {
    const id = randomUUID();
    c.set('id', id);
    c.set('facts', {});
    c.set('errorBody', errorBody);
    logWhenOver(c, log);
    c.header('X-Request-Id', id);
    c.header('Cache-Control', 'no-store');
    if (running.isClosing) c.header('Connection', 'close');
    checkHost(c.req.header('host'));
    await next();
  });
}

function addApi(app: Hono<HttpEnv>, { errorBody: form, routes }: Api, server: ServerContext): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const here = routes.filter((route) => route.path === path);
    addPath(app, path, here, form, server);
  }
}

/** Its routes, and an answer to every other method. */
function addPath(
  app: Hono<HttpEnv>,
  path: string,
  routes: readonly Route[],
  form: ErrorBody,
  server: ServerContext,
): void {
  const { apiKey } = server.settings;
  app.use(path, async (c, next) => {
    c.set('errorBody', form);
    await next();
  });
  if (apiKey !== undefined && !routes.every(({ isOpen }) => isOpen)) app.use(path, keyCheck(apiKey));
  for (const { method, handler } of routes) app.on(method, path, (c) => handler(c, server));
  const methods = routes.map(({ method }) => method).join(', ');
  app.all(path, (c) => {
    c.header('Allow', methods);
    throw new KvrError(
      'METHOD_NOT_ALLOWED',
      `${c.req.method.slice(0, 20)} is not taken here; use ${methods}`,
    );
  });
}

function missing(c: HttpContext): KvrError {
  return new KvrError('NOT_FOUND', `there is nothing at ${c.req.path.slice(0, 100)}; see GET /v1/models`);
}
