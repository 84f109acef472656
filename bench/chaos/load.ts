/**
 * Clients that ask without pause for answers that are known: what came of each request is counted.
 */
import { asKvrError, type KvrError } from '../../src/core/errors.js';
import type { Engine, GenerateRequest } from '../../src/index.js';

/** Longer than any request takes on a loaded machine: what has no end by then hangs. */
const HUNG_MS = 120_000;

export type KnownRequest = { readonly request: GenerateRequest; readonly ids: readonly number[] };

export type Outcomes = {
  right: number;
  wrong: number;
  /** Failed, and had a part on a worker or link that was struck. */
  hit: number;
  /** Failed in any other way. */
  other: number;
  hung: number;
  /** Of those that are right: how long each stood still that lost a worker or a link, in all. */
  readonly recoveryMs: number[];
  readonly errors: Map<string, number>;
};

export function noOutcomes(): Outcomes {
  return { right: 0, wrong: 0, hit: 0, other: 0, hung: 0, recoveryMs: [], errors: new Map() };
}

/** What a request must give: asked of one worker alone, before anything is struck. */
export async function knownRequests(
  engine: Engine,
  requests: readonly GenerateRequest[],
): Promise<KnownRequest[]> {
  const known: KnownRequest[] = [];
  for (const request of requests) {
    const { tokenIds } = await engine.complete({ ...request, strategy: 'single' });
    known.push({ request, ids: tokenIds });
  }
  return known;
}

/** Asks once, and counts. @returns true for the right answer */
export async function askOnce(
  engine: Engine,
  { request, ids }: KnownRequest,
  outcomes: Outcomes,
): Promise<boolean> {
  const hung = AbortSignal.timeout(HUNG_MS);
  try {
    const { tokenIds, recoveries, recoveryMs } = await engine.complete({ ...request, signal: hung });
    const isRight = tokenIds.length === ids.length && tokenIds.every((id, at) => id === ids[at]);
    outcomes[isRight ? 'right' : 'wrong']++;
    if (isRight && recoveries > 0) outcomes.recoveryMs.push(recoveryMs);
    return isRight;
  } catch (error) {
    outcomes[hung.aborted ? 'hung' : kindOf(asKvrError(error), outcomes)]++;
    return false;
  }
}

const LOSSES = ['WORKER_DIED', 'WORKER_HUNG', 'LINK', 'LOST_TOO_OFTEN'];

/** A failure of a chain names the rank that it came from: the request ran there. */
function kindOf({ code, message, fields }: KvrError, { errors }: Outcomes): 'hit' | 'other' {
  const ranOnStruck = fields['rank'] !== undefined && LOSSES.includes(code);
  const words = ranOnStruck ? code : `${code}: ${message.slice(0, 160)}`;
  errors.set(words, (errors.get(words) ?? 0) + 1);
  return ranOnStruck ? 'hit' : 'other';
}

/** Runs clients until they are stopped, or have asked so many times. @returns a function that stops them and waits for their last answers */
export function startClients(
  engine: Engine,
  known: readonly KnownRequest[],
  { clients, requests = Infinity }: { readonly clients: number; readonly requests?: number },
  outcomes: Outcomes,
): { readonly stop: () => Promise<void>; readonly done: Promise<void> } {
  let asked = 0;
  let isStopped = false;
  const client = async (): Promise<void> => {
    while (!isStopped && asked < requests)
      await askOnce(engine, known[asked++ % known.length] as KnownRequest, outcomes);
  };
  const done = Promise.all(Array.from({ length: clients }, client)).then(() => undefined);
  return {
    done,
    stop: () => {
      isStopped = true;
      return done;
    },
  };
}
