/**
 * From flags to what the server is started with, in its units; and who may reach it.
 */
import { fileURLToPath } from 'node:url';
import { KvrError } from '../../core/errors.js';
import { isLoopback } from '../../link/address.js';
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_DRAIN_MS,
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_PORT,
  HEADERS_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
  type ServerSettings,
} from '../../server/index.js';
import { packageVersion } from '../terminal/version.js';
import { BYTES_PER_MB, DEFAULT_HOST, MIN_KEY_CHARS, type ServeFlags } from './serve-flags.js';

/** @param environmentKey what KVR_API_KEY holds; --api-key wins. @throws BAD_INPUT */
export function serverSettings(flags: ServeFlags, environmentKey: string | undefined): ServerSettings {
  const apiKey = apiKeyOf(flags.apiKey, environmentKey);
  const { deadline, drain, maxBody } = flags;
  return {
    host: flags.host ?? DEFAULT_HOST,
    port: flags.port ?? DEFAULT_PORT,
    apiKey,
    corsOrigins: flags.cors ?? [],
    deadlineMs: deadline === undefined ? DEFAULT_DEADLINE_MS : Math.ceil(1000 * deadline),
    drainMs: drain === undefined ? DEFAULT_DRAIN_MS : 1000 * drain,
    maxBodyBytes: maxBody === undefined ? DEFAULT_MAX_BODY_BYTES : Math.floor(BYTES_PER_MB * maxBody),
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    defaultMaxTokens: flags.maxTokens,
    isStrict: flags.strict === true,
    isStrictModel: flags.strictModel === true,
    aliases: flags.alias ?? [],
    allowedHosts: (flags.allowedHosts ?? []).map((name) => name.toLowerCase()),
    logPrompts: flags.logPrompts === true,
    pageFolder: fileURLToPath(new URL('../../web', import.meta.url)),
    version: packageVersion(),
  };
}

/** An empty variable is as good as none. @throws BAD_INPUT for a key that is easy to guess or can not be a header */
function apiKeyOf(flag: string | undefined, environmentKey: string | undefined): string | undefined {
  const key = flag ?? (environmentKey === '' ? undefined : environmentKey);
  if (key === undefined || (key.length >= MIN_KEY_CHARS && /^[\x21-\x7e]+$/.test(key))) return key;
  const message = `the API key must be at least ${MIN_KEY_CHARS} visible characters of ASCII; give a longer one, as "openssl rand -hex 16" prints`;
  throw new KvrError('BAD_INPUT', message);
}

/** @throws BAD_INPUT where others can reach the server and nobody said who may use it */
export function checkReach({ host, apiKey }: ServerSettings, { auth }: ServeFlags): void {
  if (!auth && apiKey !== undefined)
    throw new KvrError('BAD_INPUT', '--no-auth and an API key contradict each other; give one of them');
  if (isLoopback(host) || apiKey !== undefined || !auth) return;
  throw new KvrError(
    'BAD_INPUT',
    `--host ${host} can be reached from other machines; give --api-key or KVR_API_KEY, or --no-auth on a network you trust`,
  );
}
