/**
 * Which of the engine's workers a request may use: as many as it says, or those that it names. Pure.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { MAX_RANKS } from '../../core/partition.js';

/** As long as any that engines give workers: HOST:PORT. */
export const MAX_NAME_CHARS = 512;

export const chainChoiceSchema = z.strictObject({
  /** 'auto' is all of them; a number the first so many; names are those of the engine's `members`, in any order. */
  workers: z.union([
    z.literal('auto'),
    z.number().int().min(1).max(MAX_RANKS),
    z.array(z.string().min(1).max(MAX_NAME_CHARS)).min(1).max(MAX_RANKS),
  ]),
});

/** What of a request says which workers it may use. */
export type AskedWorkers = {
  readonly workers?: number | undefined;
  readonly chain?: z.output<typeof chainChoiceSchema> | undefined;
};

/** @returns how many workers may take part at most; undefined for all that it may use. @throws BAD_INPUT where it says so twice */
export function mostWorkers({ workers, chain }: AskedWorkers): number | undefined {
  if (workers !== undefined && chain !== undefined)
    throw new KvrError('BAD_INPUT', 'give one of workers and chain; both were given');
  if (chain === undefined) return workers;
  return typeof chain.workers === 'number' ? chain.workers : undefined;
}

/** @param all names of the engine's workers @returns those that the request may use, in the same order. @throws BAD_INPUT for a name that is none of them */
export function allowedWorkers({ chain }: AskedWorkers, all: readonly string[]): readonly string[] {
  const named = chain?.workers;
  if (!Array.isArray(named)) return all;
  const unknown = named.find((name) => !all.includes(name));
  if (unknown === undefined) return all.filter((name) => named.includes(name));
  const some = `${all.slice(0, MAX_NAMES_TOLD).join(', ')}${all.length > MAX_NAMES_TOLD ? ', …' : ''}`;
  throw new KvrError('BAD_INPUT', `chain: there is no worker ${unknown.slice(0, 60)}; there are ${some}`);
}

/** In an error. */
const MAX_NAMES_TOLD = 8;
