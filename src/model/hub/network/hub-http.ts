/**
 * Requests to the hub: the token goes to the endpoint's own host and to no other, redirects are followed by hand, silence ends.
 * Knows nothing of what is asked for.
 */
import { firstLine, KvrError } from '../../../core/errors.js';
import { printable } from '../../checkpoint/printable.js';
import type { HubClock } from './hub-clock.js';
import { PassingFault } from './passing-fault.js';
import type { HubSettings } from '../names/settings.js';
import { Silence } from './silence.js';

/** The hub needs one for a file, and one more for a model that was renamed. */
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

export type HubConnection = {
  readonly settings: HubSettings;
  readonly clock: HubClock;
  readonly signal: AbortSignal;
};
export type HubResponse = {
  readonly response: Response;
  /** The bytes, each run of them as it comes. @throws PassingFault where they end too early */
  readonly bytes: () => AsyncGenerator<Uint8Array>;
  /** Lets go of the connection; harmless when called twice. */
  readonly end: () => void;
};

/** @param headers beside the token's. @throws PassingFault, HUB_BAD_ANSWER */
export async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  connection: HubConnection,
): Promise<HubResponse> {
  const silence = new Silence(connection.clock);
  const letGo = new AbortController();
  const signal = AbortSignal.any([connection.signal, silence.signal, letGo.signal]);
  const end = (): void => {
    silence.end();
    letGo.abort();
  };
  try {
    const response = await followed(new URL(url), headers, connection.settings, signal);
    silence.heard();
    return { response, bytes: () => bytesOf(response, silence), end };
  } catch (error) {
    end();
    throw passing(error, silence);
  }
}

async function followed(
  start: URL,
  headers: Readonly<Record<string, string>>,
  { endpoint, token }: HubSettings,
  signal: AbortSignal,
): Promise<Response> {
  const { origin } = new URL(endpoint);
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const own = token !== undefined && url.origin === origin ? { authorization: `Bearer ${token}` } : {};
    const response = await fetch(url.href, { headers: { ...headers, ...own }, redirect: 'manual', signal });
    if (!REDIRECTS.includes(response.status)) return response;
    await response.body?.cancel();
    url = nextUrl(response.headers.get('location'), url);
  }
  throw new KvrError(
    'HUB_BAD_ANSWER',
    `${start.host} redirects more than ${MAX_REDIRECTS} times; ask its operator`,
  );
}

/** @throws HUB_BAD_ANSWER where it leads nowhere, or from an encrypted address to one that is not */
function nextUrl(location: string | null, from: URL): URL {
  const url =
    location !== null && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && from.protocol === 'http:');
  if (url && isAllowed) return url;
  throw new KvrError(
    'HUB_BAD_ANSWER',
    `${from.host} redirects to ${printable(location ?? 'nowhere')}, which is not followed`,
  );
}

async function* bytesOf({ body }: Response, silence: Silence): AsyncGenerator<Uint8Array> {
  if (!body) return;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      silence.heard();
      yield chunk;
    }
  } catch (error) {
    throw passing(error, silence);
  }
}

/** What fetch throws is about the network, and so may pass; its own words are in the cause. */
function passing(error: unknown, silence: Silence): unknown {
  if (error instanceof KvrError || error instanceof PassingFault) return error;
  if (silence.signal.aborted) return silence.signal.reason;
  const { cause } = error as { cause?: unknown };
  const reason = cause instanceof Error && cause.message ? cause : error;
  return new PassingFault(
    firstLine(reason instanceof Error ? reason.message : String(reason)),
    undefined,
    error,
  );
}
