/**
 * Attempts at something that may fail on the way, with longer and longer waits between them.
 */
import { KvrError } from '../../../core/errors.js';
import { type HubClock, waitFor } from './hub-clock.js';
import { PassingFault } from './passing-fault.js';

/** With the waits below this takes half a minute, which a router needs to start again. */
const MAX_FRUITLESS = 7;
/** Of one file: a server that cuts every connection after a few bytes is not followed for ever. */
const MAX_ATTEMPTS = 5_000;
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 16_000;
/** Longer waits that a server asks for are not slept through: people should know. */
const MAX_ASKED_WAIT_MS = 120_000;

export type Attempts = {
  /** For messages: where to. */
  readonly host: string;
  readonly clock: HubClock;
  readonly signal: AbortSignal;
  /** Called before a wait. */
  readonly onRetry?: (reason: string, waitMs: number) => void;
};

/**
 * @param attempt is told how to say that it got on: attempts after which nothing was gained are counted, others are not
 * @throws HUB_UNREACHABLE after the last one; CANCELLED; whatever else `attempt` throws, at once
 */
export async function withRetries<T>(
  options: Attempts,
  attempt: (gotOn: () => void) => Promise<T>,
): Promise<T> {
  let fruitless = 0;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt(() => (fruitless = 0));
    } catch (error) {
      if (options.signal.aborted) throw new KvrError('CANCELLED', 'the download was cancelled', {}, error);
      if (!(error instanceof PassingFault)) throw error;
      if (++fruitless >= MAX_FRUITLESS || attempts >= MAX_ATTEMPTS) throw unreachable(options.host, error);
      await pause(error, fruitless, options);
    }
  }
}

async function pause(fault: PassingFault, fruitless: number, options: Attempts): Promise<void> {
  const { clock, signal, host, onRetry } = options;
  const waitMs = Math.max(fault.waitMs ?? 0, retryWaitMs(fruitless));
  if (waitMs > MAX_ASKED_WAIT_MS) throw askedTooLong(host, waitMs);
  onRetry?.(fault.message, waitMs);
  await waitFor(clock, waitMs, signal).catch((error: unknown) => {
    throw new KvrError('CANCELLED', 'the download was cancelled', {}, error);
  });
}

function retryWaitMs(fruitless: number): number {
  return Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** (fruitless - 1));
}

function unreachable(host: string, fault: PassingFault): KvrError {
  const message = `${host} can not be reached or does not answer as it should (${fault.message}); what has arrived is kept, so ask again later`;
  return new KvrError('HUB_UNREACHABLE', message, { host }, fault);
}

function askedTooLong(host: string, waitMs: number): KvrError {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `${host} has had too many requests and asks to wait ${seconds} s; what has arrived is kept, so ask again after that, or set HF_TOKEN, which is allowed more`;
  return new KvrError('HUB_UNREACHABLE', message, { host, waitMs });
}
