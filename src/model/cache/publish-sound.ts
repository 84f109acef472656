/**
 * Published folders that were read again and hold what was written. Called by the compiler and, for the quote model, by
 * model/open.
 */
import { KvrError } from '../../core/errors.js';
import { findDamage } from './folder-check.js';
import { discardFolder, publishFolder, type PublishOptions } from './publish.js';

export type SoundOptions = PublishOptions & {
  /** Larger files are left to whoever uses them; every file is read where this is not given. */
  readonly maxFileBytes?: number;
};

/** @returns the path of the folder of `key`, built where it is missing or damaged. @throws as publishFolder */
export async function publishSound(options: SoundOptions): Promise<string> {
  const folder = await publishFolder(options);
  const damage = await damageOf(folder, options);
  if (damage === undefined) return folder;
  options.onDamage?.(damageWords(folder, damage));
  await discardFolder(folder);
  return publishFolder(options);
}

export function damageWords(folder: string, damage: string): string {
  return `${folder} is damaged on disk (${damage}): it is made again`;
}

/** Small files are read in no time, so only a check of everything can be cancelled. */
async function damageOf(
  folder: string,
  { maxFileBytes, signal, key }: SoundOptions,
): Promise<string | undefined> {
  if (maxFileBytes !== undefined) return findDamage(folder, { maxFileBytes });
  try {
    return await findDamage(folder, signal && { signal });
  } catch (error) {
    throw signal?.aborted ? new KvrError('CANCELLED', `reading ${key} was cancelled`, {}, error) : error;
  }
}
