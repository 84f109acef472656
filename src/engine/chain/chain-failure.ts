/**
 * The ways in which a chain fails, each as one typed error with the rank, its phase and its layer where they are known.
 */
import { KvrError, type KvrErrorCode } from '../../core/errors.js';
import type { FromWorker, Phase } from '../../worker/protocol/index.js';
import type { RankState, RankStates } from './rank-states.js';

type Place = { readonly phase: Phase; readonly layer: number };

/** A failure that the worker itself reported. */
export function reported({ code, message }: Extract<FromWorker, { type: 'failed' }>): KvrError {
  return new KvrError(code as KvrErrorCode, message);
}

export function rankFailure(rank: number, { phase, layer }: Place, error: KvrError): KvrError {
  const message = `rank ${rank} failed in ${phase}, layer ${layer}: ${error.message}`;
  return new KvrError(error.code, message, { rank, phase, layer }, error);
}

/** A deadline that has passed; names the rank that the others wait for. */
export function overdue(ranks: RankStates, deadlineMs: number): KvrError {
  const rank = ranks.slowest;
  const { phase, layer } = ranks.of(rank) as RankState;
  const message = `request took longer than its deadline of ${deadlineMs} ms; rank ${rank} was in ${phase}, layer ${layer}`;
  return new KvrError('DEADLINE', message, { rank, phase, layer, deadlineMs });
}

export function cancelled(): KvrError {
  return new KvrError('CANCELLED', 'request was cancelled');
}
