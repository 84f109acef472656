/**
 * Blobs that are in the cache already: read and compared with their digest once, since other programs put them there without,
 * and remembered as long as nobody writes to them. The same memory spares the first use of a model the reading.
 */
import { realpath, rm, stat } from 'node:fs/promises';
import { recallDigest, rememberDigest } from '../../cache/digest-memo.js';
import { blobPath, fileBytes, partialPath } from './cache-layout.js';
import { hashFile, openHash } from './content-hash.js';
import type { HubFile } from '../names/hub-file.js';

export type BlobChecks = {
  /** Of the model, in the hub's cache. */
  readonly folder: string;
  /** Where digests are remembered. */
  readonly memoFolder: string;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  readonly onWarning: (words: string) => void;
};
/** How much of a file is in the cache: all of it, checked, or what an earlier attempt got. */
export type FileState = { readonly file: HubFile; readonly isThere: boolean; readonly hereBytes: number };

/** A damaged blob is told and taken away. */
export async function stateOf(file: HubFile, checks: BlobChecks): Promise<FileState> {
  const blob = blobPath(checks.folder, file.digest.hex);
  if ((await fileBytes(blob)) !== undefined) {
    if (await isSound(blob, file, checks)) return { file, isThere: true, hereBytes: file.bytes };
    checks.onWarning(`${file.path} in the cache is damaged: it is fetched anew`);
    await rm(blob, { force: true });
  }
  const partial = (await fileBytes(partialPath(checks.folder, file.digest.hex))) ?? 0;
  return { file, isThere: false, hereBytes: partial > file.bytes ? 0 : partial };
}

async function isSound(blob: string, file: HubFile, checks: BlobChecks): Promise<boolean> {
  if ((await fileBytes(blob)) !== file.bytes) return false;
  const { kind, hex } = file.digest;
  if (kind === 'sha256' && (await isRemembered(blob, hex, checks.memoFolder))) return true;
  const hash = openHash(kind, file.bytes);
  await hashFile(blob, hash, checks.signal, checks.onBytes);
  return hash.digest('hex') === hex;
}

async function isRemembered(blob: string, hex: string, memoFolder: string): Promise<boolean> {
  return (await recallDigest(memoFolder, await realpath(blob), await stat(blob, { bigint: true }))) === hex;
}

/** After a download, whose digest was computed on the way. */
export async function rememberBlob({ digest }: HubFile, folder: string, memoFolder: string): Promise<void> {
  if (digest.kind !== 'sha256') return;
  const blob = blobPath(folder, digest.hex);
  await rememberDigest(memoFolder, await realpath(blob), await stat(blob, { bigint: true }), digest.hex);
}
