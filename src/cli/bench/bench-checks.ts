/**
 * What `kvr bench` refuses before anything starts: flags that do not go together, a report that can not be written.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { shown } from '../terminal/numbers.js';
import type { BenchFlags } from './bench-flags.js';

/** Checks that need more than one flag, or the file system. @throws BAD_INPUT */
export async function checkBenchFlags(flags: BenchFlags): Promise<void> {
  const { emulate, workers, singleThreads, report } = flags;
  if (emulate && workers) throw bad('--emulate says how many workers there are; leave --workers out');
  if (emulate && singleThreads)
    throw bad('--emulate gives all workers the same threads; use --threads instead of --single-threads');
  if (singleThreads && typeof workers?.[0] === 'string')
    throw bad(
      '--single-threads is for local workers; those at addresses have the threads they were started with',
    );
  if (report !== undefined) await checkReport(report);
}

/** That the page can not be written must be known before hours of measuring, not after. */
async function checkReport(file: string): Promise<void> {
  if (file === '') throw bad('--report is empty; give the name of a file');
  const folder = dirname(resolve(file));
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw bad(
      `--report ${shown(file)}: folder ${folder} can not be written to; give a file in one that can`,
      error,
    );
  }
  const isFolder = await stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) throw bad(`--report ${shown(file)} is a folder; give the name of a file`);
}

function bad(message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', message, {}, cause);
}
