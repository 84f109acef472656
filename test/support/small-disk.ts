/**
 * A disk of a few megabytes that can be filled: a tmpfs on a folder of its own. Mounting takes root on Linux.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every block it writes is smaller than the one that found no room, until there is none for a page. */
const BLOCKS = [1 << 20, 1 << 16, 1 << 12];

export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws what `mount` says where it may not */
  static mount(megabytes: number): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), 'kvr-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'pipe' });
    } catch (error) {
      rmdirSync(path);
      throw error;
    }
    return new SmallDisk(path);
  }

  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (const bytes of BLOCKS) while (hasRoomFor(file, bytes));
    } finally {
      closeSync(file);
    }
  }

  /** Gives the room back that fill() took. */
  free(): void {
    rmSync(this.#filler, { force: true });
  }

  /** What is on it goes with it. */
  unmount(): void {
    execFileSync('umount', [this.path]);
    rmdirSync(this.path);
  }

  get #filler(): string {
    return join(this.path, 'filler');
  }
}

/** @returns why no disk can be mounted here, or undefined */
export function diskObstacle(): string | undefined {
  try {
    SmallDisk.mount(1).unmount();
    return undefined;
  } catch {
    return 'mounting a small disk takes root on Linux';
  }
}

function hasRoomFor(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
