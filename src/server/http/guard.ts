/**
 * Who may send requests: those with the API key, and on loopback those that name this machine as the host.
 */
import type { MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { KvrError } from '../../core/errors.js';
import { isLoopback } from '../../link/address.js';
import type { HttpEnv } from './context.js';

/** What a Bearer token may be made of (RFC 6750); the library takes no other. */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Middleware that asks every request for the key in its Authorization header, and throws UNAUTHORIZED where it is not
 * there. @throws BAD_INPUT where no request could ever carry this key
 */
export function keyCheck(apiKey: string): MiddlewareHandler<HttpEnv> {
  if (!BEARER_TOKEN.test(apiKey))
    throw new KvrError(
      'BAD_INPUT',
      'the API key has characters that no Bearer token may have; use letters, digits, - . _ ~ + and / alone',
    );
  const missing = refusal('no API key was given; send it as "Authorization: Bearer KEY"');
  const refusals = {
    token: apiKey,
    noAuthenticationHeader: missing,
    invalidAuthenticationHeader: missing,
    invalidToken: refusal('the API key is wrong; send the one the server was started with'),
  };
  const byBearer = bearerAuth<HttpEnv>(refusals);
  // Clients of Anthropic's API send the key alone, under a name of its own.
  const byName = bearerAuth<HttpEnv>({ ...refusals, headerName: 'x-api-key', prefix: '' });
  return (c, next) =>
    c.req.header('authorization') === undefined && c.req.header('x-api-key') !== undefined
      ? byName(c, next)
      : byBearer(c, next);
}

/** The library would answer in words of its own, and with 400 to some; thrown, it is told like every other error. */
function refusal(message: string): { readonly message: () => never } {
  return {
    message: () => {
      throw new KvrError('UNAUTHORIZED', message);
    },
  };
}

/** What containers call the machine they run on; no web page can make a browser use it for a domain of its own. */
const CONTAINER_HOST = 'host.docker.internal';

/**
 * Guards against DNS rebinding: a web page can point its own domain at this machine and then read answers like its own.
 * So a server on loopback answers only to names of loopback. @param allowed further names, in lower case. @throws FORBIDDEN
 */
export function hostCheck(host: string, allowed: readonly string[]): (header: string | undefined) => void {
  if (!isLoopback(host)) return () => undefined;
  return (header = '') => {
    const name = header.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isLoopback(name) || name === CONTAINER_HOST || allowed.includes(name.toLowerCase())) return;
    const message = `this server answers to localhost, not to "${name.slice(0, 60)}"; use its own address, or allow the name by --allowed-hosts`;
    throw new KvrError('FORBIDDEN', message);
  };
}
