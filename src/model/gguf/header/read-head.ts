/**
 * Reads the head of an open GGUF file: first a scan within limits, then the library's parse, then a check of what the
 * tensors claim.
 */
import type { FileHandle } from 'node:fs/promises';
import { readFully } from '../../checkpoint/regular-file.js';
import { broken } from './broken.js';
import { HeadGoesOn, scanHead, type ScannedHead } from './head-scan.js';
import { DEFAULT_ALIGNMENT_BYTES, MAX_ALIGNMENT_BYTES, MAX_HEAD_BYTES } from './header-limits.js';
import { parseHead } from './library-parse.js';
import { Metadata } from './metadata.js';
import { tensorTable, type TensorEntry } from './tensor-table.js';

/** Most heads, but for the largest vocabularies', are shorter. */
const FIRST_READ_BYTES = 4_000_000;
const ALIGNMENT_KEY = 'general.alignment';

export type Head = {
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
};

/** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export async function readHead(file: FileHandle, path: string): Promise<Head> {
  const { size } = await file.stat();
  const { scanned, bytes } = await scannedBytes(file, size, path);
  const parsed = await parseHead(bytes.subarray(0, scanned.bytes), scanned, path);
  const metadata = new Metadata(parsed.metadata, path);
  const alignment = alignmentOf(metadata);
  const start = Math.ceil(scanned.bytes / alignment) * alignment;
  return {
    metadata,
    tensors: tensorTable(parsed.tensorInfos, { start, alignment, fileBytes: size }, path),
  };
}

/** Reads more and more of the file, until all of the head is there. */
async function scannedBytes(
  file: FileHandle,
  fileBytes: number,
  path: string,
): Promise<{ scanned: ScannedHead; bytes: Uint8Array }> {
  const most = Math.min(fileBytes, MAX_HEAD_BYTES);
  for (let length = Math.min(most, FIRST_READ_BYTES); ; length = Math.min(most, 2 * length)) {
    const bytes = new Uint8Array(length);
    await readFully(file, bytes, 0, path);
    try {
      return { scanned: scanHead(bytes, path), bytes };
    } catch (error) {
      if (!(error instanceof HeadGoesOn)) throw error;
      if (length === most) throw endless(fileBytes, path);
    }
  }
}

function endless(fileBytes: number, path: string): Error {
  const what =
    fileBytes > MAX_HEAD_BYTES
      ? `its metadata take more than ${MAX_HEAD_BYTES} bytes, the most that is read`
      : `its metadata go on behind its ${fileBytes} bytes: it is cut off`;
  return broken(path, what);
}

function alignmentOf(metadata: Metadata): number {
  const alignment = metadata.number(ALIGNMENT_KEY) ?? DEFAULT_ALIGNMENT_BYTES;
  const isPowerOfTwo = Number.isInteger(Math.log2(alignment));
  if (isPowerOfTwo && alignment >= 1 && alignment <= MAX_ALIGNMENT_BYTES) return alignment;
  const what = `${ALIGNMENT_KEY} is ${alignment}, it must be a power of two up to ${MAX_ALIGNMENT_BYTES}`;
  throw broken(metadata.path, what);
}
