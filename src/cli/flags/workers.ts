/**
 * How many workers, or which: a number to start on this machine, or where running ones listen.
 */
import { z } from 'zod';
import { MAX_LOCAL_WORKERS } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import { parseAddress } from '../../link/address.js';
import { describeBounds, parseNumber, shown } from '../terminal/numbers.js';

export const workersSchema = z.number().int().min(1).max(MAX_LOCAL_WORKERS);

/** A number of workers to start, or the addresses of running ones. @throws BAD_INPUT */
export function parseWorkers(text: string): number | string[] {
  if (!text.includes(':')) return parseWorkerCount(text);
  const addresses = text.split(',');
  for (const address of addresses) parseAddress(address);
  return addresses;
}

function parseWorkerCount(text: string): number {
  if (/^[+-]?\d/.test(text) && !/[.,]/.test(text)) return parseNumber('--workers', text, workersSchema);
  throw new KvrError(
    'BAD_INPUT',
    `--workers ${shown(text)} is neither a whole number nor addresses; give ${describeBounds(workersSchema)}, or HOST:PORT,HOST:PORT`,
    { flag: '--workers' },
  );
}
