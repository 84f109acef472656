/**
 * The secret that the machines of one cluster share: 32 random bytes as a line of text. It is read from a file or from the
 * environment by every process that needs it, and never travels as an argument, which other users of a machine can see.
 */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';

/** Holds the key where no file does. */
export const KEY_VARIABLE = 'KVR_CLUSTER_KEY';
/** Says what it is, wherever it is found. */
const PREFIX = 'kvr-key-';
/** As many as nobody guesses: whoever reaches a port may try guesses at home, so that no passphrase will do. */
const KEY_BYTES = 32;
const KEY_TEXT = new RegExp(`^${PREFIX}([A-Za-z0-9_-]{43})$`);
/** Of the file: the key and the end of its line, with room for what an editor adds. */
const MAX_FILE_BYTES = 1 << 10;
const REMEDY = 'make one with "kvr key > room.key" and give the same to all machines';

/** 32 bytes. */
export type ClusterKey = Uint8Array;

/** @returns the text of a new key, without the end of a line */
export function newClusterKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString('base64url');
}

/** @param source named in the error; the text never is. @throws BAD_INPUT */
export function parseClusterKey(text: string, source: string): ClusterKey {
  const digits = KEY_TEXT.exec(text.trim())?.[1];
  const key = digits === undefined ? undefined : Buffer.from(digits, 'base64url');
  if (key?.byteLength === KEY_BYTES) return key;
  throw new KvrError('BAD_INPUT', `${source} holds no cluster key; ${REMEDY}`);
}

/** @throws BAD_INPUT where the file can not be read, or is more than a key */
export async function readClusterKey(path: string): Promise<ClusterKey> {
  return parseClusterKey(await readSmall(path), `the file ${path}`);
}

/** @throws BAD_INPUT where the variable is not set */
export function clusterKeyFromEnvironment(): ClusterKey {
  const text = process.env[KEY_VARIABLE];
  if (!text) throw new KvrError('BAD_INPUT', `${KEY_VARIABLE} is not set; ${REMEDY}`);
  return parseClusterKey(text, KEY_VARIABLE);
}

async function readSmall(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { message } = error as Error;
    throw new KvrError('BAD_INPUT', `cannot read the cluster key: ${message}; ${REMEDY}`, {}, error);
  }
}
