/**
 * Opens weight files and reads runs of their bytes. Knows no format.
 */
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';

/** Node reads less than 2 GiB at once; smaller reads let others have the thread pool in between. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** @throws BAD_CHECKPOINT where it is not a file that can be read */
export async function openRegular(path: string): Promise<FileHandle> {
  try {
    // A pipe or a device would hold open() up for ever.
    if ((await stat(path)).isFile()) return await open(path, 'r');
  } catch (error) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} can not be opened: ${String(error)}; fetch the checkpoint again`,
      {},
      error,
    );
  }
  throw new KvrError('BAD_CHECKPOINT', `${path} is not a file; fetch the checkpoint again`);
}

/** Fills `bytes` from `position` on. @throws BAD_CHECKPOINT where the file ends before */
export async function readFully(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(MAX_READ_BYTES, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, length, position + done);
    if (bytesRead === 0) {
      throw new KvrError(
        'BAD_CHECKPOINT',
        `${path} ended at byte ${position + done}, ${bytes.length - done} bytes short; it was changed while in use`,
      );
    }
    done += bytesRead;
  }
}
