/**
 * Which path does what, and what every request passes first: its number, its line in the log, the checks of who asks.
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { secureHeaders } from 'hono/secure-headers';
import { KvrError } from '../core/errors.js';
import type { Dialect } from './answers/dialect.js';
import { answer } from './http/answer-route.js';
import type { HttpContext, HttpEnv, ServerContext } from './http/context.js';
import { errorResponse } from './http/failure.js';
import { hostCheck, keyCheck } from './http/guard.js';
import { pathOf } from './http/path.js';
import { ready, showInfo, showMetrics, showPlan, showRequests } from './kvr/info-routes.js';
import { WARM } from './kvr/warm.js';
import { showLive } from './kvr/live-route.js';
import { logWhenOver } from './http/log.js';
import { CHAT } from './openai/chat.js';
import { COMPLETIONS } from './openai/completions.js';
import { listModels, showModel } from './openai/models.js';
import { type Page, SECURE_HEADERS, servePage } from './http/page.js';

type Handler = (c: HttpContext, server: ServerContext) => Response | Promise<Response>;
type Route = readonly [method: 'GET' | 'POST', path: string, handler: Handler];

/** Endpoints that answer prompts, each in its dialect. Those of another API are a folder beside openai/ and lines here. */
const DIALECTS: readonly (readonly [path: string, dialect: Dialect])[] = [
  ['/v1/chat/completions', CHAT],
  ['/v1/completions', COMPLETIONS],
  ['/kvr/warm', WARM],
];

const OPEN_ROUTES: readonly Route[] = [
  ['GET', '/healthz', (c) => c.json({ status: 'ok' })],
  ['GET', '/readyz', ready],
];

/** Asked for the API key, where there is one. */
const KEYED_ROUTES: readonly Route[] = [
  ...DIALECTS.map(([path, dialect]): Route => ['POST', path, (c, server) => answer(c, server, dialect)]),
  ['GET', '/v1/models', listModels],
  // Models are named after folders and files, whose names may hold slashes.
  ['GET', '/v1/models/:id{.+}', showModel],
  ['GET', '/kvr/info', showInfo],
  ['GET', '/kvr/plan', showPlan],
  ['GET', '/kvr/requests', showRequests],
  ['GET', '/kvr/live', showLive],
  ['GET', '/metrics', showMetrics],
];

/** What clients in other origins' pages may read beside the body: the number of a request, and when to ask again. */
const EXPOSED_HEADERS = ['X-Request-Id', 'Retry-After', 'X-Should-Retry', 'X-Kvr-Ignored', 'X-Kvr-Loosened'];

export function buildApp(server: ServerContext, page: Page): Hono<HttpEnv> {
  const { settings } = server;
  const app = new Hono<HttpEnv>({ getPath: pathOf });
  const checkHost = hostCheck(settings.host, settings.allowedHosts);
  app.use(secureHeaders(SECURE_HEADERS));
  app.use(async (c, next) => {
    const id = randomUUID();
    c.set('id', id);
    c.set('facts', {});
    c.set('errorBody', CHAT.errorBody);
    logWhenOver(c, server.log);
    c.header('X-Request-Id', id);
    c.header('Cache-Control', 'no-store');
    if (server.running.isClosing) c.header('Connection', 'close');
    checkHost(c.req.header('host'));
    await next();
  });
  if (settings.corsOrigins.length > 0)
    app.use(cors({ origin: [...settings.corsOrigins], exposeHeaders: EXPOSED_HEADERS }));
  for (const route of OPEN_ROUTES) addRoute(app, route, server);
  for (const [path, { errorBody }] of DIALECTS)
    app.use(path, async (c, next) => {
      c.set('errorBody', errorBody);
      await next();
    });
  if (settings.apiKey !== undefined)
    for (const [, path] of KEYED_ROUTES) app.use(path, keyCheck(settings.apiKey));
  for (const route of KEYED_ROUTES) addRoute(app, route, server);
  app.get('*', async (c, next) => servePage(c, page) ?? (await next()));
  app.notFound((c) => errorResponse(c, missing(c)));
  app.onError((error, c) => errorResponse(c, error));
  return app;
}

function addRoute(app: Hono<HttpEnv>, [method, path, handler]: Route, server: ServerContext): void {
  app.on(method, path, (c) => handler(c, server));
  app.all(path, (c) => {
    c.header('Allow', method);
    throw new KvrError('METHOD_NOT_ALLOWED', `${c.req.method.slice(0, 20)} is not taken here; use ${method}`);
  });
}

function missing(c: HttpContext): KvrError {
  return new KvrError('NOT_FOUND', `there is nothing at ${c.req.path.slice(0, 100)}; see GET /v1/models`);
}
