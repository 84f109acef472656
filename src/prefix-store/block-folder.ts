/**
 * The folder that blocks are kept in, one file each, named after what they hold: processes share it without a lock, since two that
 * write one name write the same. A file appears whole (written under another name, then renamed) or not at all.
 *
 *     DIR/MODEL/ab/abcdef….rows       MODEL is the name of the compiled model: weights, element type, version, platform
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Block, blockHead, type BlockName, HEAD_BYTES, openBlock, startOfHead } from './block-file.js';
import type { StoredFile } from './eviction.js';

const BLOCK_FILE = /^[0-9a-f]{40}\.rows$/;
const UNFINISHED_FILE = /^[0-9a-f]{40}\.[0-9a-f-]{36}\.part$/;
/** Nobody writes one block for that long: who began it is gone. */
const UNFINISHED_MS = 600_000;

export type ReadBlock = Block | 'missing' | 'damaged';

export class BlockFolder {
  readonly folder: string;
  readonly model: string;

  /** @param folder shared by models. @param model name of the compiled model */
  constructor(folder: string, model: string) {
    this.folder = folder;
    this.model = model;
  }

  pathOf(hash: string): string {
    return join(this.folder, this.model, hash.slice(0, 2), `${hash}.rows`);
  }

  /** From where a stored block holds rows, without waiting: a few microseconds. Undefined where it is not stored. */
  startOf(hash: string): number | undefined {
    let file: number | undefined;
    try {
      file = openSync(this.pathOf(hash), 'r');
      const head = Buffer.alloc(HEAD_BYTES);
      return readSync(file, head) === HEAD_BYTES ? startOfHead(head) : undefined;
    } catch {
      // Not there, or not to be read: the same to who asks.
      return undefined;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  async read(hash: string): Promise<ReadBlock> {
    const file = await readFile(this.pathOf(hash)).catch((error: NodeJS.ErrnoException) => error);
    if (file instanceof Error) return file.code === 'ENOENT' ? 'missing' : 'damaged';
    return openBlock({ model: this.model, hash }, file) ?? 'damaged';
  }

  /** @returns the file's bytes. @throws what the file system reports; nothing is left then */
  async write(name: Omit<BlockName, 'model'>, rows: Uint8Array, usedMs: number): Promise<number> {
    const path = this.pathOf(name.hash);
    const unfinished = path.replace(/rows$/, `${randomUUID()}.part`);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await writeWhole(unfinished, [blockHead({ model: this.model, ...name }, rows), rows]);
      await utimes(unfinished, usedMs / 1000, usedMs / 1000);
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
    return HEAD_BYTES + rows.byteLength;
  }

  /** Notes that a block was used. One that is gone stays gone. */
  async touch(hash: string, usedMs: number): Promise<void> {
    await utimes(this.pathOf(hash), usedMs / 1000, usedMs / 1000).catch(() => undefined);
  }

  async remove(hash: string): Promise<void> {
    await rm(this.pathOf(hash), { force: true }).catch(() => undefined);
  }

  /** The names of this model's blocks. */
  async hashes(): Promise<string[]> {
    const names = await namesBelow(join(this.folder, this.model));
    return names.filter(({ name }) => BLOCK_FILE.test(name)).map(({ name }) => name.slice(0, 40));
  }

  /** Blocks of all models, with what left behind who was ended while it wrote. Whatever else lies there is not ours. */
  async files(nowMs: number): Promise<{ readonly blocks: StoredFile[]; readonly leftOver: string[] }> {
    const models = await readdir(this.folder).catch(() => []);
    const names = (await Promise.all(models.map((model) => namesBelow(join(this.folder, model))))).flat();
    const blocks: StoredFile[] = [];
    const leftOver: string[] = [];
    for (const { path, name } of names) {
      const isBlock = BLOCK_FILE.test(name);
      if (!isBlock && !UNFINISHED_FILE.test(name)) continue;
      const facts = await stat(path).catch(() => undefined);
      if (!facts) continue;
      if (isBlock) blocks.push({ path, bytes: facts.size, usedMs: facts.mtimeMs });
      else if (nowMs - facts.ctimeMs > UNFINISHED_MS) leftOver.push(path);
    }
    return { blocks, leftOver };
  }
}

/** Files two levels below a folder. A folder that is not there, or no folder, has none. */
async function namesBelow(folder: string): Promise<{ readonly path: string; readonly name: string }[]> {
  const groups = await readdir(folder).catch(() => []);
  const lists = await Promise.all(
    groups
      .filter((group) => /^[0-9a-f]{2}$/.test(group))
      .map(async (group) => {
        const names = await readdir(join(folder, group)).catch(() => []);
        return names.map((name) => ({ path: join(folder, group, name), name }));
      }),
  );
  return lists.flat();
}

/** A disk that fills up takes a part of what is written, without an error: the rest is tried until there is one. */
async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  // What prompts said is nobody else's.
  const file = await open(path, 'wx', 0o600);
  try {
    for (const part of parts) await file.writeFile(part);
  } finally {
    await file.close();
  }
}
