/**
 * Where the hub is, where its cache lies and what it is told, by the environment variables that other programs take too.
 */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { KvrError } from '../../../core/errors.js';
import { printable } from '../../checkpoint/printable.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export type HubSettings = {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the endpoint's own host alone. */
  readonly token?: string;
  readonly isOffline: boolean;
};

const HUB = 'https://huggingface.co';
/** Tokens have some 40 characters; all of them may stand in a header. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;
const YES = ['1', 'on', 'yes', 'true'];

/** @throws BAD_INPUT where HF_ENDPOINT or HF_TOKEN can not be used */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const token = environment['HF_TOKEN']?.trim();
  return {
    endpoint: endpointOf(environment['HF_ENDPOINT'] || HUB),
    ...(token && { token: checkedToken(token) }),
    isOffline: YES.includes((environment['HF_HUB_OFFLINE'] ?? '').toLowerCase()),
  };
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash;
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw new KvrError(
    'BAD_INPUT',
    `HF_ENDPOINT is ${printable(text)}; give an address as ${HUB}, without a name, a password or a query in it`,
  );
}

function checkedToken(token: string): string {
  if (TOKEN.test(token)) return token;
  throw new KvrError(
    'BAD_INPUT',
    'HF_TOKEN is no token: it has characters that tokens do not have; set it again',
  );
}

/** The cache that programs share, as an absolute path; it need not exist. */
export function hubCacheFolder(environment: Environment = process.env): string {
  const named = environment['HF_HUB_CACHE'] || environment['HUGGINGFACE_HUB_CACHE'];
  if (named) return resolve(withHome(named));
  const home = environment['HF_HOME'];
  if (home) return join(resolve(withHome(home)), 'hub');
  const shared = environment['XDG_CACHE_HOME'];
  return join(shared && isAbsolute(shared) ? shared : join(homedir(), '.cache'), 'huggingface', 'hub');
}

function withHome(path: string): string {
  return path.replace(/^~(?=$|\/)/, homedir());
}
