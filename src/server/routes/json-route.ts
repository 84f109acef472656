/**
 * POST to an endpoint that takes a document and answers with one, without running the model.
 */
import type { Route } from '../http/route.js';
import type { ServerContext } from '../http/context.js';
import { readJson } from '../http/body.js';

/** @param answer is told by a signal when the client has left. What it throws is told as every other error */
export function jsonRoute(
  path: string,
  answer: (body: unknown, server: ServerContext, signal: AbortSignal) => Promise<unknown>,
): Route {
  return {
    method: 'POST',
    path,
    handler: async (c, server) => {
      const { settings, budget, running } = server;
      const body = await readJson(c, settings.maxBodyBytes, budget);
      return c.json(await running.during(c.req.raw.signal, (signal) => answer(body, server, signal)));
    },
  };
}
