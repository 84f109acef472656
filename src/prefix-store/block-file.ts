/**
 * A block as it lies in its file: a head with the digest of everything that matters, then the rows. Whoever reads it learns the
 * rows, or that they are not what was written for this model and these tokens. Pure.
 */
import { createHash } from 'node:crypto';

/** "KVRB" and the format's version: a file of another one is not read. */
const MAGIC = 0x4b565202;
const START_AT = 4;
const DIGEST_AT = 8;
const DIGEST_BYTES = 32;
export const HEAD_BYTES = DIGEST_AT + DIGEST_BYTES;

/** What a block is: of which compiled model, of which tokens, and from where its layers with a window have rows. */
export type BlockName = {
  readonly model: string;
  readonly hash: string;
  /** See block-layout.ts. */
  readonly start: number;
};

export type Block = { readonly start: number; readonly rows: Uint8Array<ArrayBuffer> };

/** @returns the bytes that stand before the rows */
export function blockHead(name: BlockName, rows: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(name.start, START_AT);
  digestOf(name, rows).copy(head, DIGEST_AT);
  return head;
}

/** From where a block holds rows, by its head alone. @returns undefined for what is no head of this version */
export function startOfHead(head: Buffer): number | undefined {
  if (head.length < HEAD_BYTES || head.readUInt32BE(0) !== MAGIC) return undefined;
  return head.readUInt32BE(START_AT);
}

/** @param file whole; the rows are a view on it. @returns undefined where anything differs from what was written */
export function openBlock(name: Omit<BlockName, 'start'>, file: Buffer<ArrayBuffer>): Block | undefined {
  const start = startOfHead(file);
  if (start === undefined) return undefined;
  const rows = file.subarray(HEAD_BYTES);
  const written = file.subarray(DIGEST_AT, HEAD_BYTES);
  return digestOf({ ...name, start }, rows).equals(written) ? { start, rows } : undefined;
}

function digestOf({ model, hash, start }: BlockName, rows: Uint8Array): Buffer {
  return createHash('sha256').update(`${model}\n${hash}\n${start}\n`).update(rows).digest();
}
