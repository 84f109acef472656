/**
 * What a set of files holds, as one sha-256. Hashing tens of GB takes a while, so each file's hash is
 * remembered in the cache under what tells that the file is unchanged. Knows no file format.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { basename } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { recallDigest, rememberDigest } from './digest-memo.js';
import { factsText } from './files/file-facts.js';

export type DigestOptions = {
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
  /** `fraction` goes from 0 to 1 over all files; not called where every hash is remembered. */
  readonly onProgress?: (fraction: number, what: string) => void;
};

/** Larger than Node's 64 KB: fewer hand-overs between threads. */
const READ_BYTES = 1024 * 1024;

type FileFacts = { readonly path: string; readonly facts: BigIntStats };

/**
 * @param paths files in an order that is part of the digest, as are their names without the folder
 * @returns sha-256 in hex over names, sizes and contents
 * @throws BAD_CHECKPOINT where a file can not be read or changes meanwhile, CANCELLED
 */
export async function digestOfFiles(paths: readonly string[], options: DigestOptions): Promise<string> {
  const files = await Promise.all(paths.map(factsOf));
  const totalBytes = files.reduce((sum, { facts }) => sum + Number(facts.size), 0);
  const whole = createHash('sha256');
  let doneBytes = 0;
  for (const [index, file] of files.entries()) {
    const digest = await digestOfFile(file, options, (bytes) => {
      options.onProgress?.((doneBytes + bytes) / totalBytes, `hashing ${basename(file.path)}`);
    });
    doneBytes += Number(file.facts.size);
    whole.update(`${JSON.stringify(basename(paths[index]!))} ${file.facts.size} ${digest}\n`);
  }
  return whole.digest('hex');
}

async function factsOf(path: string): Promise<FileFacts> {
  try {
    return { path: await realpath(path), facts: await stat(path, { bigint: true }) };
  } catch (error) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} can not be read: ${String(error)}; check it and its rights`,
      {},
      error,
    );
  }
}

async function digestOfFile(
  file: FileFacts,
  options: DigestOptions,
  onBytes: (doneBytes: number) => void,
): Promise<string> {
  const known = await recallDigest(options.cacheFolder, file.path, file.facts);
  if (known !== undefined) return known;
  const digest = await hashFile(file.path, options.signal, onBytes);
  const after = await factsOf(file.path);
  if (factsText(after.facts) !== factsText(file.facts)) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${file.path} was changed while it was read; start again when it is complete`,
    );
  }
  await rememberDigest(options.cacheFolder, file.path, file.facts, digest);
  return digest;
}

async function hashFile(
  path: string,
  signal: AbortSignal | undefined,
  onBytes: (doneBytes: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  let doneBytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
      if (signal?.aborted) throw new KvrError('CANCELLED', `hashing ${path} was cancelled`);
      hash.update(chunk as Buffer);
      onBytes((doneBytes += (chunk as Buffer).length));
    }
  } catch (error) {
    if (error instanceof KvrError) throw error;
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} can not be read: ${String(error)}; check it and its rights`,
      {},
      error,
    );
  }
  return hash.digest('hex');
}
