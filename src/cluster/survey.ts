/**
 * What workers by address are, and how fast each one's link to the next is: asked once, without a model and without a request.
 * Called by `kvr cluster`.
 */
import { randomUUID } from 'node:crypto';
import { asKvrError, type KvrError } from '../core/errors.js';
import { parseAddress } from '../link/address.js';
import { openTransports, type TransportOf } from '../link/open-transport.js';
import type { LinkSecurity } from '../link/security/link-security.js';
import { type ReadyWorker, WorkerHandle } from './worker-handle.js';

/** To be reached and to have its model open. */
const OPEN_TIMEOUT_MS = 10_000;
/** Of KV size, in the measurement of a link: 16 MB. */
const LINK_FRAMES = 32;

export type SurveyedLink = { readonly latencyMs: number; readonly bytesPerS: number };
export type SurveyedWorker = {
  readonly address: string;
  /** Undefined where it can not be used. */
  readonly ready?: ReadyWorker;
  /** To the next of the list that can be used. */
  readonly toNext?: SurveyedLink;
  /** Why it, or its link to the next, can not be used. */
  readonly fault?: KvrError;
};

type Asked = {
  readonly address: string;
  readonly handle: WorkerHandle;
  ready?: ReadyWorker;
  fault?: KvrError;
};

/** In the order of the addresses. @throws BAD_INPUT for an address or a secret; faults of workers are results */
export async function surveyWorkers(
  addresses: readonly string[],
  security: LinkSecurity | undefined,
  signal: AbortSignal,
): Promise<readonly SurveyedWorker[]> {
  const transportOf = await openTransports(security);
  const engine = `survey-${randomUUID()}`;
  const all = addresses.map((address) => asked(address, engine, transportOf));
  try {
    await Promise.all(all.map((each) => open(each, signal)));
    const found: SurveyedWorker[] = [];
    // One link at a time: two at once would share a machine's speed.
    for (const [place, each] of all.entries()) found.push(await withLink(each, all.slice(place + 1)));
    return found;
  } finally {
    for (const { handle } of all) handle.close();
  }
}

function asked(address: string, engine: string, transportOf: TransportOf): Asked {
  return { address, handle: new WorkerHandle(address, parseAddress(address), engine, 0, transportOf) };
}

async function open(each: Asked, signal: AbortSignal): Promise<void> {
  try {
    const late = AbortSignal.timeout(OPEN_TIMEOUT_MS);
    each.ready = await each.handle.open(AbortSignal.any([signal, late]));
  } catch (error) {
    each.fault = asKvrError(error);
  }
}

async function withLink(
  { address, handle, ready, fault }: Asked,
  later: readonly Asked[],
): Promise<SurveyedWorker> {
  const next = later.find((each) => each.ready !== undefined);
  if (!ready || !next) return { address, ...(ready && { ready }), ...(fault && { fault }) };
  try {
    await handle.connectPeer(next.handle);
    const question = { type: 'probeLink', probe: 0, worker: next.handle.id, frames: LINK_FRAMES } as const;
    const { latencyMs, bytesPerS } = await handle.ask(question, 'probedLink');
    return { address, ready, toNext: { latencyMs, bytesPerS } };
  } catch (error) {
    return { address, ready, fault: asKvrError(error) };
  }
}
