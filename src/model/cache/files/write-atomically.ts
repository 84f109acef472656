/**
 * Small files of the cache that other programs read at any time: they see the old file or the new one, never a part.
 */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * Writes `text` to a temporary file beside `path`, then renames it. Where that fails, `path` stays as it was and the temporary
 * file is removed. Own code because the npm package write-file-atomic (6.0.0 to 8.0.0) writes once and ignores how many
 * bytes were written: on a full disk it puts a cut file in place and reports no error.
 * @throws what the file system reports
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
