/**
 * How many workers, or which: a number to start on this machine, or where running ones listen.
 */
import { z } from 'zod';
import { MAX_LOCAL_WORKERS } from '../../cluster/local.js';
import { parseAddress } from '../../link/address.js';
import { parseNumber } from '../numbers.js';

export const workersSchema = z.number().int().min(1).max(MAX_LOCAL_WORKERS);

/** A number of workers to start, or the addresses of running ones. @throws BAD_INPUT */
export function parseWorkers(text: string): number | string[] {
  if (!text.includes(':')) return parseNumber('--workers', text, workersSchema);
  const addresses = text.split(',');
  for (const address of addresses) parseAddress(address);
  return addresses;
}
