/**
 * What an API brings to the server: its paths with what answers them, and the form of its errors. Each folder beside openai/
 * exports one; app.ts has the list.
 */
import type { ErrorBody, HttpContext, ServerContext } from './context.js';

export type Route = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As Hono writes them, so ":id" is any one part of a path. */
  readonly path: string;
  readonly handler: (c: HttpContext, server: ServerContext) => Response | Promise<Response>;
  /** Answers without the API key, as what tells the state of health does. */
  readonly isOpen?: boolean;
};

/** Made anew for each server, so it may keep what belongs to one. */
export type Api = {
  /** The document of a request that failed, whatever failed. */
  readonly errorBody: ErrorBody;
  /** Several methods of one path are routes of their own. */
  readonly routes: readonly Route[];
};
