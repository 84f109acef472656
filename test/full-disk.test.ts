/**
 * A cache folder on a disk that is full, or gets full: what is there answers as ever, what can not be written is told, and nothing
 * unfinished stays.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type KvrRun, runKvr } from './support/kvr.js';
import { diskObstacle, SmallDisk } from './support/small-disk.js';

/** Of the model `quote` as files and compiled, 29 MB; of its files alone, under 16. */
const [ROOM_MB, NO_ROOM_MB] = [40, 16];
/** What this test writes there itself. */
const OURS = ['filler', 'more'];
const PROMPT = 'The key is 77. The key is';

const obstacle = diskObstacle();

describe.skipIf(obstacle)(`a full disk${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let disk: SmallDisk;
  afterEach(() => disk.unmount());

  const ask = (...flags: string[]): Promise<KvrRun> =>
    runKvr(['generate', '--model', 'quote', '--cache-dir', disk.path, '-n', '6', ...flags, PROMPT]);
  const files = (): string[] =>
    readdirSync(disk.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !OURS.includes(entry.name))
      .map(({ parentPath, name }) => relative(disk.path, join(parentPath, name)));

  describe('with the model on it', () => {
    beforeEach(() => void (disk = SmallDisk.mount(ROOM_MB)));

    test('a model that is there answers as before, though nothing about its speed can be kept', async () => {
      const before = await ask('--no-calibrate');
      expect(before.status).toBe(0);
      const filesBefore = files();
      disk.fill();
      expect(() => writeFileSync(join(disk.path, 'more'), 'x'.repeat(8192))).toThrow('ENOSPC');
      const full = await ask('--workers', '2');
      expect({ status: full.status, stdout: full.stdout }).toEqual({ status: 0, stdout: before.stdout });
      expect(full.stderr).toContain('ENOSPC');
      expect(files().filter((path) => !filesBefore.includes(path))).toEqual([]);
    });
  });

  describe('without room for the model', () => {
    beforeEach(() => void (disk = SmallDisk.mount(NO_ROOM_MB)));

    test('a model that finds no room says so, and takes none', async () => {
      const { status, stdout, stderr } = await ask('--no-calibrate');
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain(`no room left in the cache ${disk.path}`);
      // The model's own files had room.
      expect(files().filter((path) => !path.startsWith('quote-'))).toEqual([]);
      disk.fill();
      expect((await ask('--no-calibrate')).status).toBe(2);
      expect(files().filter((path) => !path.startsWith('quote-'))).toEqual([]);
    });
  });
});
