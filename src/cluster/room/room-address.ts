/**
 * A room: a name under which workers and engines find each other at NATS servers, as a value that options carry. Passwords are in it
 * where people wrote them into an address; `shownRoom` is what may be printed.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';

/** A NATS cluster tells its other servers by itself. */
export const MAX_SERVERS = 16;
export const DEFAULT_ROOM = 'kvr';
const DEFAULT_PORT = 4222;
const EXAMPLE = 'give nats://HOST:4222, or tls://HOST:4222, several with commas between';

/** One word of a NATS subject. */
export const roomNameSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

export const roomAddressSchema = z.strictObject({
  /** `nats://HOST:PORT` or `tls://HOST:PORT` each, all of one kind, with `USER:PASSWORD@` or `TOKEN@` where the server wants it. */
  servers: z.array(z.string().min(1).max(1024)).min(1).max(MAX_SERVERS).readonly(),
  /** Two rooms at one server know nothing of each other. */
  name: roomNameSchema,
  /** A file of credentials, as NATS accounts have them. */
  credentialsFile: z.string().min(1).max(4096).optional(),
});
export type RoomAddress = z.infer<typeof roomAddressSchema>;

/** What the NATS client is told. */
export type ServerLogin = {
  readonly servers: string[];
  readonly isTls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
};

/** @throws BAD_INPUT, without the text, which may hold a password */
export function parseServers(text: string): readonly string[] {
  const servers = text.split(',').map((each) => each.trim());
  serverLogin(servers);
  return servers;
}

/** @throws BAD_INPUT */
export function serverLogin(servers: readonly string[]): ServerLogin {
  const urls = servers.map(parsedUrl);
  const [first] = urls;
  if (!first || urls.length > MAX_SERVERS) throw bad(`names ${urls.length} servers of 1 to ${MAX_SERVERS}`);
  if (urls.some(({ protocol }) => protocol !== first.protocol)) throw bad('mixes nats:// and tls://');
  const { username, password } = urls.find((url) => url.username !== '') ?? first;
  const isTls = first.protocol === 'tls:';
  return { servers: urls.map(hostAndPort), isTls, ...secretOf(decoded(username), decoded(password)) };
}

/** Where the first server is. */
export function serverHost({ servers }: RoomAddress): string {
  return parsedUrl(servers[0] ?? '').hostname.replace(/^\[|\]$/g, '');
}

/** 'nats://a:4222,nats://b:4222': without what is secret. */
export function shownServers({ servers }: RoomAddress): string {
  return servers.map((text) => shownUrl(parsedUrl(text))).join(',');
}

/** 'room kvr at nats://a:4222'. */
export function shownRoom(room: RoomAddress): string {
  return `room ${room.name} at ${shownServers(room)}`;
}

function shownUrl(url: URL): string {
  return `${url.protocol}//${hostAndPort(url)}`;
}

function hostAndPort({ hostname, port }: URL): string {
  return `${hostname}:${port === '' ? DEFAULT_PORT : port}`;
}

function secretOf(username: string, password: string): Pick<ServerLogin, 'user' | 'password' | 'token'> {
  if (username === '') return {};
  return password === '' ? { token: username } : { user: username, password };
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isServer = url && ['nats:', 'tls:'].includes(url.protocol) && url.hostname !== '';
  if (isServer && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '') return url;
  throw bad('does not name a NATS server');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad('has a user or password that is not percent-encoded as URLs want it');
  }
}

function bad(what: string): KvrError {
  return new KvrError('BAD_INPUT', `--cluster ${what}; ${EXAMPLE}`);
}
